/** Everything that would stop a publishing run half-way, found before it begins and all of it at once. */
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

/** The checks that decide whether AWS takes the day on which an image is to be deprecated. */
const checksOfDays = ["account", "end of life"];

/** What the account must be ready for, by ledger and settings; undefined if the stack brings no image to AWS. */
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
    // AWS refuses days that have passed, and keeps those that it has.
    checksBeforeUpdate: (now) =>
      plan.images.some(({ deprecated }) => deprecated <= now) ? checksOfDays : undefined,
  };
}

export interface PreflightOptions {
  /** The stack whose plan it is: its state tells its own images from another's. @default they are told by their tags alone */
  stack?: string;
  /** ISO 8601, UTC. @default the clock's */
  now?: string;
}

/** Asks the account what the plan needs of it, and judges the answers. Changes nothing. */
export async function preflight(
  plan: PublishPlan,
  { stack, now = new Date().toISOString() }: PreflightOptions = {},
): Promise<CheckResult[]> {
  if (plan.images.length === 0) return [];
  if (plan.settings.region === "") return [noRegion];
  // The SDKs are loaded here: a preview never gets so far.
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

/** Whether a name of the plan is taken, be it by an image of the stack's own. */
const isAnyThere = (plan: PublishPlan, facts: AccountFacts): boolean =>
  askedRegions(plan, facts).some(({ name, facts }) => {
    const there = namedImages(facts);
    return imagesIn(plan, name).some((image) => there.has(image.name));
  });

const unreadable = (stack: string, { what }: UserError): CheckResult => ({
  check: "names",
  where: stack,
  level: "warning",
  found: `the stack's state could not be read, so images of our names are told by their tags alone: ${what}`,
});

const noRegion: CheckResult = {
  check: "regions",
  where: "alpine:aws.region",
  level: "error",
  found: "the stack names no home region, where images are imported",
  remedy: "pulumi config set --path alpine:aws.region us-east-1, or where its bucket is",
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
