/** Who asks, and which regions that account has. */
import { isEnabled, type AccountFacts, type Answer } from "./answers.ts";
import type { AwsFaultKind } from "../api/errors.ts";
import { plannedRegions, type PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

/** The account is one of those that the stack names. An error here means that nothing else was asked. */
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
      found: `${arn} is of another account than ${accounts.join(", ")}, to which the stack may publish`,
      remedy: "use that account's credentials (AWS_PROFILE), or change the stack's alpine:aws.accounts",
    };
  }
  const any = accounts.length === 0 ? "; the stack may publish to any account (alpine:aws.accounts)" : "";
  return { ...about, where: account, level: "ok", found: `${arn}${any}` };
}

function credentialsRemedy(kind: AwsFaultKind | undefined): string {
  if (kind === "expired") return "get new ones, as with `aws sso login`, that last as long as the run";
  if (kind === "credentials") {
    return "set AWS_PROFILE, or the variables of a session; and see that the account has this region switched on";
  }
  return "`aws sts get-caller-identity` must answer from here";
}

/** Every region of the plan is switched on, and the plan has those that are. */
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
    if (isEnabled(status)) return { ...about, where: name, level: "ok", found: "switched on" };
    return {
      ...about,
      where: name,
      level: bestEffort ? "warning" : "error",
      found: status === undefined ? "AWS knows no such region" : `not switched on in the account (${status})`,
      remedy:
        name === plan.settings.region
          ? "switch it on (aws account enable-region), or choose another alpine:aws.region"
          : "switch it on (aws account enable-region --region-name NAME), or leave it out: regions: { NAME: false }",
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
    found: "switched on, and no image goes there",
    remedy: "`npm run regions -- update` adds what configs/regions.yaml lacks",
  };
  return [...results, unlisted];
}
