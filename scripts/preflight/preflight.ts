/** Everything that would stop a publishing run half-way, found before it begins and all of it at once. */
import { judgeAccount, judgeRegions } from "./account.ts";
import type { AccountFacts } from "./answers.ts";
import { judgeBucket, judgeRole } from "./importing.ts";
import { askedRegions, judgeDeprecations, judgeNames } from "./names.ts";
import type { PublishPlan } from "./plan.ts";
import type { CheckResult } from "./result.ts";
import { judgeBlocking, judgeQuota } from "./sharing.ts";

/**
 * Asks the account what the plan needs of it, and judges the answers. Changes nothing.
 * @param now ISO 8601, UTC
 */
export async function preflight(plan: PublishPlan, now = new Date().toISOString()): Promise<CheckResult[]> {
  if (plan.images.length === 0) return [];
  if (plan.settings.region === "") return [noRegion];
  // The SDKs are loaded here: a preview never gets so far.
  const { readFacts } = await import("./facts.ts");
  return judge(plan, await readFacts(plan), now);
}

const noRegion: CheckResult = {
  ...{ check: "regions", where: "alpine:aws.region", level: "error" },
  found: "the stack names no home region, where images are imported",
  remedy: "pulumi config set --path alpine:aws.region us-east-1, or where its bucket is",
};

/** What the facts mean for the plan. Pure. */
export function judge(plan: PublishPlan, facts: AccountFacts, now: string): CheckResult[] {
  const account = judgeAccount(plan, facts);
  const deprecations = judgeDeprecations(plan, facts.perRegion ?? {}, now);
  const { regions, bucketRegion, role } = facts;
  // Another account's facts would only confuse.
  if (regions === undefined) return [account, ...deprecations];
  const usesImport = plan.settings.importMethod === "vmimport";
  return [
    account,
    ...judgeRegions(plan, regions),
    ...(usesImport ? [judgeBucket(plan, bucketRegion)] : []),
    ...(role === undefined ? [] : [judgeRole(plan, role)]),
    ...[judgeNames, judgeQuota, judgeBlocking].flatMap((judgeRegion) =>
      askedRegions(plan, facts).flatMap(({ name, facts, bestEffort }) =>
        judgeRegion(plan, name, facts, bestEffort),
      ),
    ),
    ...deprecations,
  ];
}
