/** Finds everything that would stop a publishing run half-way, before the run begins. */
import type { StackSettings } from "../../../src/configuration/settings.ts";
import type { DeclaredImage } from "../../../src/configuration/variant.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import type { Preflight } from "../../../src/preflight/preflight.ts";
import { checkAccount, checkRegions } from "./account.ts";
import type { AccountFacts } from "./answers.ts";
import { checkDeprecations } from "./deprecations.ts";
import { checkBucket, checkRole } from "./importing.ts";
import { askedRegions, checkNames, namedImages } from "./names.ts";
import { imagesIn, type PublishPlan, publishPlan } from "./plan.ts";
import { recordedIn } from "./recorded.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";
import { checkBlocking, checkQuota } from "./sharing.ts";

/** The checks that decide whether AWS accepts an image's deprecation day. */
const checksOfDays = ["account", "end of life"];

/** What the account must be ready for, by ledger and settings. Undefined if the stack brings no image to AWS. */
export function awsPreflight(
  declared: readonly DeclaredImage[],
  settings: StackSettings,
): Preflight | undefined {
  const plan = publishPlan(declared, settings);
  if (plan.images.length === 0) return undefined;
  return {
    images: plan.images.length,
    noun: { one: "AMI", many: "AMIs" },
    run: (options) => preflight(plan, options),
    // AWS refuses to set days that have passed, but keeps those it has.
    checksBeforeUpdate: (now) =>
      plan.images.some(({ deprecated }) => deprecated <= now) ? checksOfDays : undefined,
  };
}

export interface PreflightOptions {
  /** The plan's stack, whose state tells its own images from another stack's. @default only tags tell them apart */
  stack?: string;
  /** ISO 8601, UTC. @default the current time */
  now?: string;
}

/** Checks that the account is ready for the plan. Changes nothing. */
export async function preflight(
  plan: PublishPlan,
  { stack, now = new Date().toISOString() }: PreflightOptions = {},
): Promise<CheckResult[]> {
  if (plan.images.length === 0) return [];
  if (plan.settings.region === "") return [noRegion];
  // The SDKs are loaded only here, which a preview never reaches.
  const { readFacts } = await import("./facts.ts");
  const facts = await readFacts(plan);
  if (stack === undefined || !isAnyThere(plan, facts)) return checkFacts(plan, facts, now);
  try {
    return checkFacts({ ...plan, recorded: await recordedIn(stack) }, facts, now);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [...checkFacts(plan, facts, now), unreadable(stack, error)];
  }
}

/** Whether any name of the plan is taken, even by the stack's own image. */
const isAnyThere = (plan: PublishPlan, facts: AccountFacts): boolean =>
  askedRegions(plan, facts).some(({ name, facts }) => {
    const there = namedImages(facts);
    return imagesIn(plan, name).some((image) => there.has(image.name));
  });

const unreadable = (stack: string, { what }: UserError): CheckResult => ({
  check: "names",
  where: stack,
  level: "warning",
  found: `the stack's state could not be read, so only tags tell its own images from others: ${what}`,
});

const noRegion: CheckResult = {
  check: "regions",
  where: "alpine:aws.region",
  level: "error",
  found: "no home region to import images into is set",
  remedy: "pulumi config set --path alpine:aws.region us-east-1, or the bucket's region",
};

/** What the facts mean for the plan. Pure. */
export function checkFacts(plan: PublishPlan, facts: AccountFacts, now: string): CheckResult[] {
  const account = checkAccount(plan, facts);
  const deprecations = checkDeprecations(plan, facts.perRegion ?? {}, now);
  const { regions, bucketRegion, role } = facts;
  // Another account's facts would only confuse.
  if (regions === undefined) return [account, ...deprecations];
  const usesImport = plan.settings.importMethod === "vmimport";
  return [
    account,
    ...checkRegions(plan, regions),
    ...(usesImport ? [checkBucket(plan, bucketRegion)] : []),
    ...(role === undefined ? [] : [checkRole(plan, role)]),
    ...[checkNames, checkQuota, checkBlocking].flatMap((judgeRegion) =>
      askedRegions(plan, facts).flatMap(({ name, facts, bestEffort }) =>
        judgeRegion(plan, name, facts, bestEffort),
      ),
    ),
    ...deprecations,
  ];
}
