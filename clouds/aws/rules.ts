/** What follows from a variant and its entry for its AMIs: plain data, for the component, preflight and status alike. */
import { imageName, tags } from "../../src/configuration/tags.ts";
import type { ImageState, Variant } from "../../src/configuration/variant.ts";

/** EC2's names of architectures. */
export const amiArchitectures = { x86_64: "x86_64", aarch64: "arm64" } as const;

/** The AMI's boot mode, where the configuration does not name one. */
export const amiBootModes = { bios: "legacy-bios", uefi: "uefi" } as const;

/** Tags of an image's AMIs and snapshots: the original's, and the `Name` that AWS's console shows. */
export function amiTags(variant: Variant): Record<string, string> {
  const own = Object.entries(tags(variant)).map(([key, value]) => [key, String(value)] as const);
  return { ...Object.fromEntries(own), Name: imageName(variant) };
}

/** Tag of a snapshot that was made from a disk: who needs it, `PROJECT/STACK/IMAGE`. By it `recover` knows its own stack's. */
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
 * When the AMI is deprecated, as YYYY-MM-DDTHH:MM:SSZ: at the end of life's last minute, as the original does; on the day
 * that it retires; at the latest when AWS would do it anyway. AWS refuses what lies in the past: preflight says so before.
 */
export function deprecationTime(
  variant: Pick<Variant, "endOfLife">,
  state: Pick<ImageState, "added" | "retired">,
): string {
  const times = [`${variant.endOfLife}T23:59:00Z`, `${latestDeprecation(state.added)}T00:00:00Z`];
  if (state.retired !== undefined) times.push(`${state.retired}T00:00:00Z`);
  return times.sort()[0]!;
}

/** Whom an image is shared with. */
export interface Grantee {
  /** For names of resources: `public`, an account, an organization's or a unit's id. */
  name: string;
  group?: "all";
  accountId?: string;
  organizationArn?: string;
  organizationalUnitArn?: string;
  /** Whether it is about to be taken out: it may go, however protected the image is. */
  leaving?: true;
}

/** Whether everybody may use a published image. */
export const isPublic = ({ access }: Pick<Variant, "access">): boolean => Boolean(access["PUBLIC"]);

const organization = /^arn:aws[\w-]*:organizations::\d{12}:organization\/(o-[a-z0-9]{10,32})$/;
const organizationalUnit =
  /^arn:aws[\w-]*:organizations::\d{12}:ou\/o-[a-z0-9]{10,32}\/(ou-[a-z0-9-]{8,68})$/;

/** A key of `access` as a grantee; undefined where it is none that AWS could know. */
export function granteeOf(key: string): Grantee | undefined {
  if (key === "PUBLIC") return { name: "public", group: "all" };
  if (/^\d{12}$/.test(key)) return { name: key, accountId: key };
  const organizationId = organization.exec(key)?.[1];
  if (organizationId !== undefined) return { name: organizationId, organizationArn: key };
  const unitId = organizationalUnit.exec(key)?.[1];
  if (unitId !== undefined) return { name: unitId, organizationalUnitArn: key };
  return undefined;
}

/** Why `access` cannot name a grantee on AWS, as the end of a sentence that begins with the name. */
export function granteeProblem(key: string): string | undefined {
  if (granteeOf(key) !== undefined) return undefined;
  const digits = /^\d+$/.test(key) ? `${key.length} digits, and an account has twelve` : "not a grantee";
  return `is ${digits}: expected PUBLIC, an account's id, or the ARN of an organization or a unit of one`;
}

/**
 * Whom a published image is shared with. Who is named beside everybody keeps a permission of their own: taking it away because
 * the image becomes public would be a change that nobody has asked for, and would leave them without when it no longer is.
 */
export function grantees(access: Variant["access"]): Grantee[] {
  const keys = Object.keys(access).filter((key) => access[key]);
  return keys.sort().flatMap((key) => {
    const grantee = granteeOf(key);
    if (grantee === undefined) return [];
    return [access[key] === "leaving" ? { ...grantee, leaving: true as const } : grantee];
  });
}

/** Encryption of an imported or copied snapshot. A key is an alias that each region has; an ARN names one region's key alone. */
export function encryptionOf({ encrypted }: Pick<Variant, "encrypted">): {
  encrypted?: true;
  kmsKeyId?: string;
} {
  if (encrypted === false) return {};
  return encrypted === true ? { encrypted } : { encrypted: true, kmsKeyId: encrypted };
}
