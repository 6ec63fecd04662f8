/** A variant: one image, fully resolved from layers, ledger and stack, with nothing left to look up. */
import { z } from "zod";
import { oncePerClouds } from "./cloud-rules.ts";
import type { PublishedRegion } from "./regions.ts";
import { bootloaders, compressions, day, formatOptions, formats } from "./schema.ts";

const texts = z.array(z.string());
const bools = z.record(z.string(), z.boolean());
const places = z.record(z.string(), z.string());

const originsSchema = z.strictObject({
  packages: places,
  services: z.record(z.string(), places).describe("Runlevel to service to place"),
  kernelModules: places,
  initfsFeatures: places,
});

/** Where layers request what a build may be unable to provide: name to place, `configs/version.yaml:32:3`. */
export type Origins = z.output<typeof originsSchema>;

/** Every field is plain data, so that a variant can be printed, compared, hashed and sent to a build guest. */
const commonFields = z.strictObject({
  imageKey: z.string().describe("Release and the other dimensions: `3.23.6-x86_64-bios-tiny-nocloud`"),
  configKey: z.string().describe("Version and the other dimensions: `3.23-x86_64-bios-tiny-nocloud`"),
  revision: z.int().min(0).describe("Revision of the release's images, from 0"),
  dimensions: z.record(z.string(), z.string()).describe("Every dimension's value, in dimension order"),

  version: z.string().describe("`3.23` or `edge`"),
  release: z.string().describe("`3.23.6`, `3.24.0_rc1`, or for edge the day as YYYYMMDD"),
  arch: z.enum(["x86_64", "aarch64"]),
  firmware: z.enum(["bios", "uefi"]),
  bootstrap: z.string(),
  cloud: z.string(),

  name: z.string().describe("Image name: `nocloud_alpine-3.23.6-x86_64-bios-tiny-r0`"),
  description: z.string(),
  project: z.string(),
  endOfLife: day,
  releaseNotes: z.exactOptional(z.string()),
  releaseDate: day.describe("Build times inside the image are set to midnight UTC of this day"),

  repos: z
    .array(z.strictObject({ url: z.string(), tag: z.exactOptional(z.string()), enabled: z.boolean() }))
    .describe("/etc/apk/repositories, in order; a disabled one is written as a comment"),
  repoKeys: texts.describe("Files of additional apk keys, relative to the project"),
  packages: z
    .strictObject({ add: texts, delete: texts, noScripts: texts })
    .describe("Package names, or `name@tag` to use a repository tag"),
  basePackages: texts.describe(
    "The part of packages.add that images share regardless of bootstrap and cloud",
  ),
  services: z
    .strictObject({ enable: z.record(z.string(), texts), disable: z.record(z.string(), texts) })
    .describe("Runlevel to service names"),
  kernelModules: texts,
  kernelOptions: texts,
  initfsFeatures: texts,
  motd: z.string().describe("Text of /etc/motd, without the last newline"),
  ntpServer: z.string().describe("Empty for chrony's default"),
  login: z.string().describe("Unprivileged user that can log in and use doas or sudo"),
  bootloader: z.enum(bootloaders),
  diskSizeMib: z.int().positive().describe("Virtual size of the disk"),
  scripts: texts.describe("Guest script names, in the order they run"),
  scriptDirs: texts.describe("Folders of files that the scripts use"),

  imageFormat: z.enum(formats),
  imageFormatOptions: z.exactOptional(z.enum(formatOptions)),
  imageCompress: z.exactOptional(z.enum(compressions)),
  encrypted: z
    .union([z.boolean(), z.string()])
    .describe("Whether the imported image is encrypted, or the key that encrypts it"),

  storageUrl: z.string().describe("Where images are stored; the authoritative copy"),
  downloadUrl: z.string(),
  signingCommand: z.exactOptional(z.string()).describe("`{file}` is filled in later"),
  releaseCommand: z.exactOptional(z.string()),
  access: z
    .record(z.string(), z.union([z.boolean(), z.literal("leaving")]))
    .describe("`PUBLIC` or an account, to whether it may use the published image; `leaving` still allows it"),
  regions: bools.describe("`ALL` or a region, to true if the image is published there"),

  archName: z.string(),
  firmwareName: z.string(),
  bootstrapName: z.string(),
  bootstrapUrl: z.string(),
  cloudName: z.string(),
  cloudRegionUrl: z.exactOptional(z.string()).describe("`{region}` and `{image_id}` are filled in later"),
  cloudLaunchUrl: z.exactOptional(z.string()).describe("`{region}` and `{image_id}` are filled in later"),
  titles: z
    .record(z.string(), z.string())
    .describe("Dimension to the display name of its value, if it has one"),
  origins: z
    .exactOptional(originsSchema)
    .describe(
      "Where layers request packages, services and so on, for messages about failed builds; not part of an image's inputs",
    ),
});

export const { options: architectures } = commonFields.shape.arch;
export const { options: firmwares } = commonFields.shape.firmware;

/** The schema of a printed variant. If its cloud has options, they are in a field with the cloud's name. */
export const variantSchema = oncePerClouds((clouds) => {
  const own = clouds.flatMap(({ name, options }) =>
    options === undefined
      ? []
      : [[name, z.exactOptional(options).describe(`Options of cloud ${name}; only in its images`)] as const],
  );
  return commonFields
    .extend(Object.fromEntries(own))
    .meta({ title: "Variant", description: "One image, fully resolved" });
});

/** An image, fully resolved. A cloud reads its options, in the field with its name, with its own function. */
export type Variant = z.output<typeof commonFields>;

/** An image's key with revision, which is also its Pulumi name: `3.23.6-x86_64-uefi-tiny-aws-r0`. */
export const keyOf = ({ imageKey, revision }: Pick<Variant, "imageKey" | "revision">): string =>
  `${imageKey}-r${revision}`;

/** The stages that an image goes through, in order. */
export const stages = ["local", "upload", "import", "sign", "publish", "release"] as const;
export type Stage = (typeof stages)[number];

/** The stage that an image reaches: the lower of its entry's stage and its stack's ceiling. */
export function reachedStage(entry: Stage, ceiling: Stage): Stage {
  return stages[Math.min(stages.indexOf(entry), stages.indexOf(ceiling))]!;
}

/** Whether `stage` comes at or after `wanted`. */
export function isAtLeast(stage: Stage, wanted: Stage): boolean {
  return stages.indexOf(stage) >= stages.indexOf(wanted);
}

/** One image's state in the ledger. It never changes the image's bytes, and is not part of their digest. */
export interface ImageState {
  /** Its entry's stage; the stack's ceiling may be lower. */
  stage: Stage;
  /** YYYY-MM-DD: when the entry was added. */
  added: string;
  /** YYYY-MM-DD: deprecated from then on. */
  retired?: string;
  /** If true, the image may go below publish again, so it is no longer protected. */
  withdraw: boolean;
  /** If true, the image is about to be deleted: it is no longer protected, and `remove --finish` drops it. */
  removing: boolean;
  /** `configs/releases.yaml:12:9`, for messages. */
  place: string;
}

/** Whether an image reaches `wanted` or a later stage, in a stack with that ceiling. */
export function hasReached({ stage }: Pick<ImageState, "stage">, ceiling: Stage, wanted: Stage): boolean {
  return isAtLeast(reachedStage(stage, ceiling), wanted);
}

/** Whether an image may go below publish or be deleted: it is no longer protected. */
export function isLeaving({ withdraw, removing }: Pick<ImageState, "withdraw" | "removing">): boolean {
  return withdraw || removing;
}

/** An image that the program declares, and its state in the ledger. */
export interface DeclaredImage {
  /** See `keyOf`. */
  key: string;
  variant: Variant;
  state: ImageState;
  /** The regions where it is published, in order: `variant.regions`, with `ALL` expanded from the lists in git. */
  regions: readonly PublishedRegion[];
}
