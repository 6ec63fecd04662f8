/** Checks that images can be made public: the account's quota, and its block public access. */
import { isDenied, policyRemedy, type Answer, type Failure, type RegionFacts } from "./answers.ts";
import { namedImages } from "./names.ts";
import { publicImagesIn, type PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

/** EC2's quota of public images per region. */
export const publicImagesQuota = "L-0E3CBAB9";

/** Checks that a region's public images, today's and the plan's, fit its quota. */
export function checkQuota(
  plan: PublishPlan,
  region: string,
  facts: RegionFacts,
  bestEffort: boolean,
): CheckResult[] {
  const { images, quota } = facts;
  if (quota === undefined || "failure" in images) return [];
  const about = { check: "quota", where: region } as const;
  if ("failure" in quota) return [unseen(about, quota, "servicequotas:GetServiceQuota")];
  const there = namedImages(facts);
  const now = images.value.filter(({ isPublic }) => isPublic).length;
  const more = publicImagesIn(plan, region).filter(({ name }) => there.get(name)?.isPublic !== true).length;
  const found = `${now} public images, ${more} more planned, ${quota.value} allowed`;
  if (now + more <= quota.value || more === 0) return [{ ...about, level: "ok", found }];
  return [
    {
      ...about,
      level: bestEffort ? "warning" : "error",
      found,
      remedy:
        `request a higher quota, which takes days: aws service-quotas request-service-quota-increase --service-code ec2 ` +
        `--quota-code ${publicImagesQuota} --desired-value ${now + more} --region REGION; or remove old images`,
    },
  ];
}

/** Checks that the account does not block what the plan makes public, unless the stack itself switches that off first. */
export function checkBlocking(
  plan: PublishPlan,
  region: string,
  facts: RegionFacts,
  bestEffort: boolean,
): CheckResult[] {
  const { imageBlocking, snapshotBlocking } = facts;
  return [
    ...checkState(plan, region, "images", imageBlocking, "ec2:GetImageBlockPublicAccessState", bestEffort),
    ...checkState(
      plan,
      region,
      "snapshots",
      snapshotBlocking,
      "ec2:GetSnapshotBlockPublicAccessState",
      bestEffort,
    ),
  ];
}

function checkState(
  { settings }: PublishPlan,
  where: string,
  what: "images" | "snapshots",
  state: Answer<string> | undefined,
  action: string,
  bestEffort: boolean,
): CheckResult[] {
  if (state === undefined) return [];
  const about = { check: "block public access", where } as const;
  if ("failure" in state) return [unseen(about, state, action)];
  if (state.value === "unblocked") return [{ ...about, level: "ok", found: `off for ${what}` }];
  if (settings.blockPublicAccess === "off") {
    return [{ ...about, level: "ok", found: `${state.value} for ${what}; this stack switches it off` }];
  }
  const call =
    what === "images" ? "disable-image-block-public-access" : "disable-snapshot-block-public-access";
  return [
    {
      ...about,
      level: bestEffort ? "warning" : "error",
      found: `${state.value} for ${what}, but some are to be public`,
      remedy: `set alpine:aws.blockPublicAccess to off, and this stack switches it off; or run aws ec2 ${call} --region REGION some minutes before`,
    },
  ];
}

function unseen(
  about: Pick<CheckResult, "check" | "where">,
  { failure }: { failure: Failure },
  action: string,
): CheckResult {
  const { code, message } = failure;
  const found = isDenied(failure) ? `${action} is not allowed` : `${code}: ${message}`;
  return {
    ...about,
    level: "warning",
    found: `could not be checked: ${found}`,
    ...(isDenied(failure) ? { remedy: policyRemedy } : {}),
  };
}
