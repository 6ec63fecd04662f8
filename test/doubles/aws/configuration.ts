/** The provider's own configuration: region, account by credentials, the accounts that are allowed. */
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { optInRegions, regionsWithoutOptIn } from "./cloud/describe.ts";
import type { CheckFailure, Values } from "./schema.ts";

/** What the double knows of the real provider's configuration; the rest it refuses by name. */
const known = new Set([
  "region",
  "profile",
  "allowedAccountIds",
  "forbiddenAccountIds",
  "version",
  "skipCredentialsValidation",
  "skipMetadataApiCheck",
  "skipRegionValidation",
  "skipRequestingAccountId",
]);

export function checkConfiguration(inputs: Values): CheckFailure[] {
  return Object.keys(inputs)
    .filter((name) => !known.has(name))
    .map((name) => ({ property: name, reason: `'${name}' isn't in the AWS double's configuration` }));
}

/** A list that came as a list or, as bridged providers get it, as JSON. */
function listOf(value: unknown): string[] | undefined {
  if (value === undefined || value === "") return undefined;
  return (typeof value === "string" ? JSON.parse(value) : value) as string[];
}

export function regionOf(inputs: Values, environment: NodeJS.ProcessEnv = process.env): string {
  const given = inputs["region"] ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"];
  if (typeof given !== "string" || given === "") {
    throw new Error(
      "Missing region information: set it with `pulumi config set aws:region REGION`, or AWS_REGION",
    );
  }
  if (![...regionsWithoutOptIn, ...optInRegions].includes(given))
    throw new Error(`invalid AWS Region: ${given}`);
  return given;
}

/** The account of an access key: the double's keys are account numbers. Any other key may be real, and is refused unread. */
export function accountOf(accessKeyId: string): string {
  if (/^\d{12}$/.test(accessKeyId)) return accessKeyId;
  const message = "the AWS double takes only an account's twelve digits as access key";
  throw new Error(`${message}: these credentials may be real ones, unset them`);
}

/** The account, found as the real provider finds credentials: profile, environment, the shared files. */
export async function configuredAccount(inputs: Values): Promise<string> {
  const profile = typeof inputs["profile"] === "string" ? inputs["profile"] : undefined;
  // Instances' metadata is an address off this machine: never asked.
  process.env["AWS_EC2_METADATA_DISABLED"] = "true";
  const provide = defaultProvider(profile === undefined ? {} : { profile });
  const { accessKeyId } = await provide().catch((error: Error) => {
    throw new Error(`No valid credential sources found: ${error.message}`);
  });
  const account = accountOf(accessKeyId);
  const allowed = listOf(inputs["allowedAccountIds"]);
  const forbidden = listOf(inputs["forbiddenAccountIds"]);
  if ((allowed !== undefined && !allowed.includes(account)) || forbidden?.includes(account)) {
    throw new Error(`AWS account ID not allowed: ${account}`);
  }
  return account;
}
