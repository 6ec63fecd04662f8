import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Variant } from "../configuration/variant.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";
import type { BuildSettings } from "./build-settings.ts";
import { guestScripts } from "./job.ts";

/** Raised when a change of the builder's host side changes the bytes of images. */
export const builderVersion = 1;

/** The parts of a variant that decide an image's bytes. Regions, access, names of clouds and URLs to publish do not. */
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
 * The inputs' digest (sha256, hexadecimal): from one state of the mirror the same digest means the same image. A published image is compared with
 * today's configuration by it, and identifiers inside the image are derived from it.
 */
export function inputsDigest(variant: Variant, settings: BuildSettings): string {
  const hash = createHash("sha256");
  // The mirror's name and not its URL, which may move without a change of content.
  hash.update(
    JSON.stringify([builderVersion, settings.mirror.name, settings.extraDiskMib, variantInputs(variant)]),
  );
  const files = {
    ...prefixed("guest/", withoutMoves(scriptsThatMake())),
    ...overlayFiles(settings.overlays),
    ...repoKeyFiles(variant),
  };
  for (const name of Object.keys(files).sort()) {
    hash.update(`\n${name}\n${createHash("sha256").update(files[name]!).digest("hex")}`);
  }
  return hash.digest("hex");
}

/** The variant's part in the inputs: field → value, `null` where it is not set, all in order. */
export function variantInputs(variant: Variant): Record<string, unknown> {
  const fields = Object.fromEntries(bytesOfVariant.map((field) => [field, variant[field] ?? null]));
  return sorted(fields) as Record<string, unknown>;
}

/** Guest scripts but for those that only look at the finished disk: an image is the same whoever has looked at it. */
export function scriptsThatMake(): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(guestScripts()).filter(([name]) => !name.startsWith("check/")));
}

/** Where the scripts lay when `builderVersion` became 1. */
const firstFolder = "scripts/build/guest/";

/** Names the first folder in comments for shellcheck: a folder that moves changes no image, so it must change no digest. */
function withoutMoves(scripts: Record<string, Buffer>): Record<string, Buffer> {
  const before = (script: Buffer): string =>
    script.toString("utf8").replace(/^(# shellcheck source=)src\/builder\/guest\//gm, `$1${firstFolder}`);
  return Object.fromEntries(
    Object.entries(scripts).map(([name, script]) => [name, Buffer.from(before(script))]),
  );
}

/** Files below the overlays' `scripts/`, as the job sees them: a later overlay's file takes the place of an earlier. */
export function overlayFiles(overlays: readonly string[]): Record<string, Buffer> {
  return Object.assign(
    {},
    ...overlays.map((folder) => filesBelow(path.resolve(projectRoot, folder, "scripts"), "scripts/")),
  ) as Record<string, Buffer>;
}

/** The keys that the configuration adds, as the job sees them. Throws a UserError for one that cannot be read. */
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
            ? "download it into the overlay and name that file: what decides an image's bytes is in git"
            : "name a public key file of apk, relative to the project",
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

/** The same value with object keys in order, so that the order of YAML keys does not count where it means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** Identifiers inside an image, all from its inputs' digest: the same inputs give the same bytes. */
export function identifiers(digest: string): {
  diskId: string;
  rootUuid: string;
  rootPartitionUuid: string;
  efiPartitionUuid: string;
  diskUuid: string;
  efiVolumeId: string;
  /** Of the file, where its format has such a thing. */
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

/** A UUID that follows from a digest: version 8 (custom) of RFC 9562, variant 10. */
export function derivedUuid(use: string, digest: string): string {
  const hex = derivedHex(use, digest);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function derivedHex(use: string, digest: string): string {
  return createHash("sha256").update(`${use} ${digest}`).digest("hex");
}
