/** Derives an AMI's attributes from a variant and its ledger entry. Plain data, shared by the component, preflight and status. */
import { imageName, tags } from "../../src/configuration/tags.ts";
import type { ImageState, Variant } from "../../src/configuration/variant.ts";
import { awsOptionsOf } from "./options.ts";

/** EC2's names of architectures. */
export const amiArchitectures = { x86_64: "x86_64", aarch64: "arm64" } as const;

const bootModes = { bios: "legacy-bios", uefi: "uefi" } as const;

/** The AMI's boot mode: by firmware, unless the configuration sets one. */
export const amiBootMode = (variant: Variant): string =>
  awsOptionsOf(variant).bootMode ?? bootModes[variant.firmware];

/** Tags of an image's AMIs and snapshots: the original project's, and the `Name` that AWS's console shows. */
export function amiTags(variant: Variant): Record<string, string> {
  const own = Object.entries(tags(variant)).map(([key, value]) => [key, String(value)] as const);
  return { ...Object.fromEntries(own), Name: imageName(variant) };
}

/** Tag with a snapshot's owner, `PROJECT/STACK/IMAGE`, by which `recover` recognises its own stack's snapshots. */
export const ownerTag = "alpine:owner";

/** Public AMIs can't be deprecated later than this many years after they were made (EC2 guide, "Deprecate an AMI"). */
const maximumYears = 2;

/**
 * The last day on which an AMI may be deprecated, YYYY-MM-DD.
 * @param added the day its ledger entry was made
 */
export function latestDeprecation(added: string): string {
  const latest = new Date(`${added}T00:00:00Z`);
  latest.setUTCFullYear(latest.getUTCFullYear() + maximumYears);
  // 29 February becomes 1 March, which would be a day too late.
  if (latest.getUTCDate() !== Number(added.slice(8))) latest.setUTCDate(0);
  return latest.toISOString().slice(0, 10);
}

/**
 * When the AMI is deprecated, as YYYY-MM-DDTHH:MM:SSZ. The earliest of these: the last minute of the end-of-life day,
 * as in the original project; the day it retires; and the latest time that AWS allows. AWS refuses past times, which
 * preflight reports in advance.
 */
export function deprecationTime(
  variant: Pick<Variant, "endOfLife">,
  state: Pick<ImageState, "added" | "retired">,
): string {
  const times = [`${variant.endOfLife}T23:59:00Z`, `${latestDeprecation(state.added)}T00:00:00Z`];
  if (state.retired !== undefined) times.push(`${state.retired}T00:00:00Z`);
  return times.sort()[0]!;
}

/** Someone an image is shared with. */
export interface Grantee {
  /** Used in names of resources: `public`, or the id of an account, an organization or a unit. */
  name: string;
  group?: "all";
  accountId?: string;
  organizationArn?: string;
  organizationalUnitArn?: string;
  /** If true, the grantee is about to be removed, even if the image is protected. */
  leaving?: true;
}

/** Whether everybody may use a published image. */
export const isPublic = ({ access }: Pick<Variant, "access">): boolean => Boolean(access["PUBLIC"]);

const organization = /^arn:aws[\w-]*:organizations::\d{12}:organization\/(o-[a-z0-9]{10,32})$/;
const organizationalUnit =
  /^arn:aws[\w-]*:organizations::\d{12}:ou\/o-[a-z0-9]{10,32}\/(ou-[a-z0-9-]{8,68})$/;

/** The grantee that a key of `access` names. Undefined if AWS has no such grantee. */
export function granteeOf(key: string): Grantee | undefined {
  if (key === "PUBLIC") return { name: "public", group: "all" };
  if (/^\d{12}$/.test(key)) return { name: key, accountId: key };
  const organizationId = organization.exec(key)?.[1];
  if (organizationId !== undefined) return { name: organizationId, organizationArn: key };
  const unitId = organizationalUnit.exec(key)?.[1];
  if (unitId !== undefined) return { name: unitId, organizationalUnitArn: key };
  return undefined;
}

/** Why a key of `access` names no grantee on AWS, as the end of a sentence that begins with the key. */
export function granteeProblem(key: string): string | undefined {
  if (granteeOf(key) !== undefined) return undefined;
  const digits = /^\d+$/.test(key) ? `${key.length} digits, but an account has twelve` : "not a grantee";
  return `is ${digits}: expected PUBLIC, an account's id, or the ARN of an organization or a unit of one`;
}

/**
 * Everyone a published image is shared with. In a public image, accounts that `access` names keep their own
 * permissions: nobody asked to remove these, and they still count when the image is no longer public.
 */
export function grantees(access: Variant["access"]): Grantee[] {
  const keys = Object.keys(access).filter((key) => access[key]);
  return keys.sort().flatMap((key) => {
    const grantee = granteeOf(key);
    if (grantee === undefined) return [];
    return [access[key] === "leaving" ? { ...grantee, leaving: true as const } : grantee];
  });
}

/** Encryption of an imported or copied snapshot. An alias names a key in each region, an ARN in one region only. */
export function encryptionOf({ encrypted }: Pick<Variant, "encrypted">): {
  encrypted?: true;
  kmsKeyId?: string;
} {
  if (encrypted === false) return {};
  return encrypted === true ? { encrypted } : { encrypted: true, kmsKeyId: encrypted };
}
