/** Checks the bucket and the role of VM Import. */
import { z } from "zod";
import { vmimportExternalId, vmimportService } from "../policies.ts";
import { isDenied, policyRemedy, type Answer, type RoleFacts } from "./answers.ts";
import type { PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

const elsewhere = "choose a bucket in that region, or change alpine:aws.region";
const declare = "declare it with clouds/aws/account: docs/publishing-aws.md";

/** @param region the bucket's region; undefined if the settings name no bucket */
export function checkBucket({ settings }: PublishPlan, region: Answer<string> | undefined): CheckResult {
  const about = { check: "bucket", where: settings.bucket } as const;
  if (region === undefined) {
    return {
      ...about,
      where: "alpine:aws.bucket",
      level: "error",
      found: "no bucket to import from is set",
      remedy: `set one in ${settings.region}, or import without a bucket: alpine:aws.importMethod: direct`,
    };
  }
  if ("failure" in region) {
    const { code, message, kind } = region.failure;
    const [found, remedy] =
      code === "NotFound" || kind === "bucket"
        ? ["this bucket does not exist", `${declare}; or correct alpine:aws.bucket`]
        : kind === "denied"
          ? [
              "it belongs to another account, or you may not list it",
              "correct alpine:aws.bucket, or allow s3:ListBucket",
            ]
          : kind === "region"
            ? [`it is not in ${settings.region}, where images are imported`, elsewhere]
            : [`${code}: ${message}`, "try again; if that does not help, look at the bucket in the console"];
    return { ...about, level: "error", found, remedy };
  }
  if (region.value !== settings.region) {
    return {
      ...about,
      level: "error",
      found: `it is in ${region.value}, but images are imported in ${settings.region}`,
      remedy: elsewhere,
    };
  }
  return { ...about, level: "ok", found: `in ${region.value}` };
}

export function checkRole({ settings }: PublishPlan, role: Answer<RoleFacts>): CheckResult {
  const about = { check: "role", where: settings.role } as const;
  if ("failure" in role) {
    const { code, message } = role.failure;
    if (isDenied(role.failure)) return unseen(about, "iam:GetRole");
    const isMissing = /^NoSuchEntity/.test(code);
    return {
      ...about,
      level: "error",
      found: isMissing ? "this role does not exist" : `${code}: ${message}`,
      remedy: isMissing ? `${declare}; or correct alpine:aws.role` : "look at the role in the console",
    };
  }
  const { trust, denied } = role.value;
  if (!trustsVmImport(trust)) {
    const found = `${vmimportService} cannot assume it with the external id "${vmimportExternalId}"`;
    return { ...about, level: "error", found, remedy: declare };
  }
  if ("failure" in denied) {
    if (isDenied(denied.failure)) return unseen(about, "iam:SimulatePrincipalPolicy");
    const { code, message } = denied.failure;
    return {
      ...about,
      level: "warning",
      found: `its permissions could not be checked: ${code}: ${message}`,
    };
  }
  if (denied.value.length > 0) {
    const found = `its policy does not allow ${denied.value.join(", ")} on the bucket ${settings.bucket} and on snapshots`;
    return { ...about, level: "error", found, remedy: declare };
  }
  return { ...about, level: "ok", found: "VM Import can assume it, and it can read the bucket" };
}

const unseen = (about: Pick<CheckResult, "check" | "where">, action: string): CheckResult => ({
  ...about,
  level: "warning",
  found: `could not be checked: ${action} is not allowed`,
  remedy: policyRemedy,
});

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const trustSchema = z.object({
  Statement: z
    .union([z.unknown().array(), z.unknown().transform((one) => [one])])
    .transform((all) => all.flatMap((one) => statementSchema.safeParse(one).data ?? [])),
});
const statementSchema = z.object({
  Effect: z.literal("Allow"),
  Principal: z.object({ Service: texts }),
  Action: texts,
  Condition: z.record(z.string(), z.record(z.string(), texts)).default({}),
});

/**
 * Whether a statement lets VM Import assume the role with its own external id. Other conditions count as met, because
 * they cannot be evaluated here.
 */
export function trustsVmImport(trust: string): boolean {
  return trustSchema.parse(JSON.parse(trust)).Statement.some(({ Principal, Action, Condition }) => {
    const ids = Object.values(Condition)
      .flatMap((one) => Object.entries(one))
      .filter(([key]) => key.toLowerCase() === "sts:externalid");
    return (
      Principal.Service.includes(vmimportService) &&
      Action.some((action) => ["sts:AssumeRole", "sts:*", "*"].includes(action)) &&
      ids.every(([, values]) => values.includes(vmimportExternalId))
    );
  });
}
