/** Checks whose credentials are used, and which regions that account has. */
import { isEnabled, type AccountFacts, type Answer } from "./answers.ts";
import type { AwsFaultKind } from "../api/errors.ts";
import { plannedRegions, type PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

/** Checks that the stack may publish to the account. After an error here, nothing else is checked. */
export function checkAccount(
  { settings }: Pick<PublishPlan, "settings">,
  { identity }: Pick<AccountFacts, "identity">,
): CheckResult {
  const about = { check: "account", where: settings.region } as const;
  if ("failure" in identity) {
    const { code, message, kind } = identity.failure;
    return { ...about, level: "error", found: `${code}: ${message}`, remedy: credentialsRemedy(kind) };
  }
  const { account, arn } = identity.value;
  const { accounts } = settings;
  if (accounts.length > 0 && !accounts.includes(account)) {
    return {
      ...about,
      where: account,
      level: "error",
      found: `${arn} belongs to another account; the stack may only publish to ${accounts.join(", ")}`,
      remedy: "use that account's credentials (AWS_PROFILE), or change the stack's alpine:aws.accounts",
    };
  }
  const any = accounts.length === 0 ? "; the stack may publish to any account (alpine:aws.accounts)" : "";
  return { ...about, where: account, level: "ok", found: `${arn}${any}` };
}

function credentialsRemedy(kind: AwsFaultKind | undefined): string {
  if (kind === "expired")
    return "renew the credentials, for example with `aws sso login`; they must last for the whole run";
  if (kind === "credentials") {
    return "set AWS_PROFILE, or the variables of a session; and check that this region is enabled in the account";
  }
  return "check that `aws sts get-caller-identity` works from here";
}

/** Checks that every region of the plan is enabled, and that the plan has every enabled region. */
export function checkRegions(plan: PublishPlan, regions: Answer<Record<string, string>>): CheckResult[] {
  const about = { check: "regions" } as const;
  if ("failure" in regions) {
    const { code, message } = regions.failure;
    return [
      {
        ...about,
        where: plan.settings.region,
        level: "error",
        found: `${code}: ${message}`,
        remedy: "the publisher needs ec2:DescribeRegions: see clouds/aws/account",
      },
    ];
  }
  const planned = plannedRegions(plan);
  const results = planned.map(({ name, bestEffort }): CheckResult => {
    const status = regions.value[name];
    if (isEnabled(status)) return { ...about, where: name, level: "ok", found: "enabled" };
    return {
      ...about,
      where: name,
      level: bestEffort ? "warning" : "error",
      found:
        status === undefined ? "AWS does not know this region" : `not enabled in the account (${status})`,
      remedy:
        name === plan.settings.region
          ? "enable it (aws account enable-region), or choose another alpine:aws.region"
          : "enable it (aws account enable-region --region-name NAME), or leave it out: regions: { NAME: false }",
    };
  });
  const further = Object.keys(regions.value).filter(
    (name) => isEnabled(regions.value[name]) && !planned.some((region) => region.name === name),
  );
  if (!plan.wantsAllRegions || further.length === 0) return results;
  const unlisted: CheckResult = {
    ...about,
    where: further.join(", "),
    level: "warning",
    found: "enabled, but no image goes there",
    remedy: "`npm run regions -- update` adds what configs/regions.yaml lacks",
  };
  return [...results, unlisted];
}
