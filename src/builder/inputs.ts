/** The inputs of an image: everything that decides its bytes, and the digest and identifiers derived from them. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Variant } from "../configuration/variant.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";
import type { BuildSettings } from "./build-settings.ts";
import { guestScripts } from "./job.ts";

/** Increase when a change to the builder's host side changes the bytes of images. */
export const builderVersion = 2;

/** The fields of a variant that decide an image's bytes. Regions, access, cloud names and publishing URLs do not. */
const bytesOfVariant = [
  "imageKey",
  "revision",
  "version",
  "release",
  "arch",
  "firmware",
  "bootstrap",
  "cloud",
  "releaseDate",
  "repos",
  "repoKeys",
  "packages",
  "basePackages",
  "services",
  "kernelModules",
  "kernelOptions",
  "initfsFeatures",
  "motd",
  "ntpServer",
  "login",
  "bootloader",
  "diskSizeMib",
  "scripts",
  "scriptDirs",
  "imageFormat",
  "imageFormatOptions",
  "imageCompress",
] as const satisfies readonly (keyof Variant)[];

/**
 * The digest of the inputs (sha256, hexadecimal). For the same state of the mirror, the same digest means the same
 * image. It is used to compare a published image with the current configuration and to derive identifiers in the image.
 */
export function inputsDigest(variant: Variant, settings: BuildSettings): string {
  const hash = createHash("sha256");
  // The mirror's name, not its URL: the URL may change while the content stays the same.
  hash.update(
    JSON.stringify([builderVersion, settings.mirror.name, settings.extraDiskMib, variantInputs(variant)]),
  );
  const files = {
    ...prefixed("guest/", guestScripts()),
    ...overlayFiles(settings.overlays),
    ...repoKeyFiles(variant),
  };
  for (const name of Object.keys(files).sort()) {
    hash.update(`\n${name}\n${createHash("sha256").update(files[name]!).digest("hex")}`);
  }
  return hash.digest("hex");
}

/** The variant's part of the inputs: field → value, `null` if not set, with all keys sorted. */
export function variantInputs(variant: Variant): Record<string, unknown> {
  const fields = Object.fromEntries(bytesOfVariant.map((field) => [field, variant[field] ?? null]));
  return sorted(fields) as Record<string, unknown>;
}

/** Files in the overlays' `scripts/`, as the job sees them: files of later overlays override those of earlier ones. */
export function overlayFiles(overlays: readonly string[]): Record<string, Buffer> {
  return Object.assign(
    {},
    ...overlays.map((folder) => filesBelow(path.resolve(projectRoot, folder, "scripts"), "scripts/")),
  ) as Record<string, Buffer>;
}

/** The keys that the configuration adds, as the job sees them. Throws a UserError if one cannot be read. */
export function repoKeyFiles({ name, repoKeys }: Pick<Variant, "name" | "repoKeys">): Record<string, Buffer> {
  return Object.fromEntries(
    repoKeys.map((file) => {
      try {
        return [`repo-keys/${path.basename(file)}`, readFileSync(path.resolve(projectRoot, file))];
      } catch (error) {
        throw new UserError(
          "file-unreadable",
          `repoKeys of ${name} names ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code})`,
          /^\w+:\/\//.test(file)
            ? "download it into the overlay and name that file: everything that decides an image's bytes must be in git"
            : "name an apk public key file, relative to the project",
          { where: file, cause: error },
        );
      }
    }),
  );
}

function filesBelow(folder: string, prefix: string): Record<string, Buffer> {
  let names;
  try {
    names = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  const files: Record<string, Buffer> = {};
  for (const name of names) {
    const file = path.join(folder, name.name);
    if (name.isDirectory()) Object.assign(files, filesBelow(file, `${prefix}${name.name}/`));
    else files[`${prefix}${name.name}`] = readFileSync(file);
  }
  return files;
}

function prefixed(prefix: string, files: Record<string, Buffer>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${prefix}${name}`, content]));
}

/** The same value with sorted object keys, so that the order of keys in YAML does not matter. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** Identifiers inside an image. All are derived from the inputs' digest, so the same inputs give the same bytes. */
export function identifiers(digest: string): {
  diskId: string;
  rootUuid: string;
  rootPartitionUuid: string;
  efiPartitionUuid: string;
  diskUuid: string;
  efiVolumeId: string;
  /** Identifies the file, if its format has such a field. */
  fileUuid: string;
} {
  const derived = (use: string): string => derivedHex(use, digest);
  const uuid = (use: string): string => derivedUuid(use, digest);
  return {
    diskId: derived("disk").slice(0, 8),
    rootUuid: uuid("root"),
    diskUuid: uuid("disk"),
    rootPartitionUuid: uuid("root partition"),
    efiPartitionUuid: uuid("efi partition"),
    efiVolumeId: derived("efi volume").slice(0, 8),
    fileUuid: uuid("file"),
  };
}

/** A UUID derived from a digest: version 8 (custom) of RFC 9562, variant 10. */
export function derivedUuid(use: string, digest: string): string {
  const hex = derivedHex(use, digest);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function derivedHex(use: string, digest: string): string {
  return createHash("sha256").update(`${use} ${digest}`).digest("hex");
}
