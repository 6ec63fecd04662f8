/** What follows from a variant and its entry for its AMIs: plain data, for the component, preflight and status alike. */
import type { StackSettings } from "../../src/configuration/settings.ts";
import { imageName, tags } from "../../src/configuration/tags.ts";
import {
  type DeclaredImage,
  type ImageState,
  isAtLeast,
  type Stage,
  type Variant,
} from "../../src/configuration/variant.ts";

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
 * The last day, YYYY-MM-DD, on which AWS lets an AMI be deprecated, by the day on which its entry was made. 29 February becomes
 * 28 February, for 1 March would be a day too late.
 */
export function latestDeprecation(added: string): string {
  const latest = new Date(`${added}T00:00:00Z`);
  latest.setUTCFullYear(latest.getUTCFullYear() + maximumYears);
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

/** Why an image cannot be brought that far on AWS, if so: what the stack or the configuration must say first. */
export function awsProblem(
  { key, variant, regions }: DeclaredImage,
  stage: Stage,
  settings: StackSettings,
): { propertyPath: string; reason: string } | undefined {
  const { aws, mirror, rebuild } = settings;
  const cannot = `${key} cannot be brought to ${stage}`;
  if (mirror.name === "offline" && !aws.double) {
    const reason = `${cannot}: images from the offline kit are for folders and for doubles of clouds on loopback`;
    return { propertyPath: "stage", reason: `${reason}; keep the stack's alpine:stage at upload` };
  }
  if (aws.region === "") {
    const reason = `${cannot}: the stack does not say in which region images are imported`;
    return {
      propertyPath: "aws",
      reason: `${reason}; set its alpine:aws, as {region: us-west-2, bucket: …}`,
    };
  }
  if (aws.importMethod === "vmimport") {
    if (aws.bucket === "") {
      const reason = `${cannot}: the stack names no bucket to import from`;
      return {
        propertyPath: "aws",
        reason: `${reason}; set bucket in its alpine:aws, or importMethod: direct`,
      };
    }
    const packed = variant.imageFormat === "raw" && variant.imageCompress !== undefined;
    if (packed || variant.imageFormat === "qcow2") {
      const found = packed ? `raw, packed as ${variant.imageCompress}` : variant.imageFormat;
      const reason = `${cannot}: VM Import takes vhd and plain raw, and its imageFormat is ${found}`;
      return {
        propertyPath: "imageFormat",
        reason: `${reason}; change the layer, or set importMethod: direct`,
      };
    }
  }
  const encryption = encryptionProblem(variant, isAtLeast(stage, "publish") ? regions : [], aws);
  if (encryption !== undefined) {
    const { found, remedy } = encryption;
    return { propertyPath: "encrypted", reason: `${cannot}: ${found}; ${remedy}` };
  }
  if (!isAtLeast(stage, "publish")) return undefined;
  const foreign = Object.keys(variant.access).find((name) => variant.access[name] && !granteeOf(name));
  if (foreign !== undefined) {
    const reason = `${cannot}: access "${foreign}" is neither PUBLIC, nor an account's twelve digits, nor an organization's or a unit's ARN`;
    return { propertyPath: "access", reason };
  }
  if (!isPublic(variant)) return undefined;
  if (rebuild === "changed") {
    const reason = `${cannot}: it would be public, in a stack that replaces what was built from other inputs`;
    return { propertyPath: "rebuild", reason: `${reason}; set the stack's alpine:rebuild to never` };
  }
  return undefined;
}

/** @param regions that it is published to: none before stage publish */
function encryptionProblem(
  variant: Variant,
  regions: DeclaredImage["regions"],
  { region: home, importMethod }: StackSettings["aws"],
): { found: string; remedy: string } | undefined {
  const { encrypted, access } = variant;
  if (encrypted === false) return undefined;
  if (regions.length > 0 && isPublic(variant)) {
    const found = "it would be public and encrypted, which AWS refuses";
    return { found, remedy: "set access: { PUBLIC: false }, or encrypted: false" };
  }
  if (encrypted === true) {
    if (regions.length === 0 || grantees(access).length === 0) return undefined;
    const found = "it would be encrypted by AWS's own key, with which it can be shared with nobody";
    return { found, remedy: "name a key of yours that they may use" };
  }
  const keyRegion = /^arn:[^:]+:kms:([^:]+):/.exec(encrypted)?.[1];
  if (keyRegion === undefined) {
    if (importMethod === "vmimport") return undefined;
    const found = `EBS direct takes a key by its ARN, and encrypted is ${encrypted}`;
    return { found, remedy: "name it as arn:aws:kms:REGION:ACCOUNT:key/ID, or set importMethod: vmimport" };
  }
  const elsewhere = [home, ...regions.map(({ name }) => name)].filter((name) => name !== keyRegion);
  if (elsewhere.length === 0) return undefined;
  const found = `its key is one of ${keyRegion}, and the image goes to ${[...new Set(elsewhere)].join(", ")} too`;
  return { found, remedy: "name a key by an alias that each region has (alias/NAME)" };
}
