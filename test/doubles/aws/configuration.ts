/** The provider's configuration: region, account by credentials, and allowed accounts. */
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { optInRegions, regionsWithoutOptIn } from "./cloud/describe.ts";
import type { CheckFailure, Values } from "./schema.ts";

/** What the emulator supports of the real provider's configuration. It refuses the rest by name. */
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
    .map((name) => ({ property: name, reason: `'${name}' is not in the AWS emulator's configuration` }));
}

/** A list, given as a list or, as to bridged providers, as JSON. */
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

/** The account of an access key. The emulator's keys are account numbers. Any other key may be real, and is refused. */
export function accountOf(accessKeyId: string): string {
  if (/^\d{12}$/.test(accessKeyId)) return accessKeyId;
  const message = "the AWS emulator accepts only an account's twelve digits as access key";
  throw new Error(`${message}: these credentials may be real; unset them`);
}

/** The account, from the same places as the real provider's credentials: profile, environment, and shared files. */
export async function configuredAccount(inputs: Values): Promise<string> {
  const profile = typeof inputs["profile"] === "string" ? inputs["profile"] : undefined;
  // Never ask the instance metadata service, which is not on this machine.
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
