/** Whom a published image is shared with, as `access` names them. */

/** The one property by which AWS's launch permissions name a grantee. */
export type AwsGrantee =
  | { group: "all" }
  | { accountId: string }
  | { organizationArn: string }
  | { organizationalUnitArn: string };

/** ARNs as AWS's Organizations API reference has them, of any partition. */
const organization = /^arn:aws[\w-]*:organizations::\d{12}:organization\/o-[a-z0-9]{10,32}$/;
const organizationalUnit =
  /^arn:aws[\w-]*:organizations::\d{12}:ou\/o-[a-z0-9]{10,32}\/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$/;

/** What a key of `access` means to AWS; undefined for what can't be a grantee there. */
export function awsGrantee(key: string): AwsGrantee | undefined {
  if (key === "PUBLIC") return { group: "all" };
  if (/^\d{12}$/.test(key)) return { accountId: key };
  if (organization.test(key)) return { organizationArn: key };
  if (organizationalUnit.test(key)) return { organizationalUnitArn: key };
  return undefined;
}
