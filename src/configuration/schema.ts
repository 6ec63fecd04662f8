/** The schema of layer files, and the types that layers, ledger and stack settings share. */
import { z } from "zod";
import { type CloudRules, oncePerClouds } from "./cloud-rules.ts";

// Compiling validators only pays off in programs that run longer than a second or two.
z.config({ jitless: true });

/** An existing day as YYYY-MM-DD. */
export const day = z
  .string({ error: "expected a date as YYYY-MM-DD" })
  .refine(isDay, {
    error: (issue) => `expected a date as YYYY-MM-DD, got the text ${JSON.stringify(issue.input)}`,
  })
  .meta({ format: "date" });

/** Whether a text is an existing day as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** A dimension's value. An unquoted number, such as an edge release, is read as text. */
export const word = z
  .union([z.string().min(1), z.number().transform(String)], { error: "expected a text" })
  .meta({ description: "A dimension's value" });

/** Dimension to one or more values. An image matches if every named dimension has one of its values. */
export const match = z.record(
  z.string(),
  z.union([word, z.array(word).min(1)], { error: "expected a value or a list of values" }),
);
export type Match = Record<string, string | string[]>;

export function matches(rule: Match, dimensions: Readonly<Record<string, string>>): boolean {
  return Object.entries(rule).every(([dimension, wanted]) => {
    const value = dimensions[dimension];
    return value !== undefined && (Array.isArray(wanted) ? wanted.includes(value) : wanted === value);
  });
}

export const formats = ["qcow2", "vhd", "raw"] as const;
export const formatOptions = ["vhd/force-size", "vhd/fixed_force-size"] as const;
export const compressions = ["bz2", "tar.gz"] as const;
export const bootloaders = ["extlinux", "grub-efi"] as const;

const text = z.string();
const list = z.array(text);
const onOff = z.boolean().nullable();
const switches = z.record(text, onOff);

/** The fields of an image that layers set. `null` resets what earlier layers set. */
export const fields = {
  project: text.describe("Unique name of the collection of images; set your own in an overlay"),
  name: list.describe("Parts of the image's name, joined by dashes; layers append"),
  description: list.describe("Parts of the image's description, joined by spaces; layers append"),
  motd: z
    .record(text, z.union([text, list, z.null()], { error: "expected a text, a list of lines, or null" }))
    .describe("Sections of /etc/motd, separated by blank lines; null leaves one out"),
  scripts: list.describe("Guest scripts, in the order they run; layers append"),
  scriptDirs: list.describe("Folders of files that the guest scripts use; layers append"),
  diskSize: z.array(z.int()).describe("Sizes in MiB that add up to the disk's size; layers append"),
  imageFormat: z.enum(formats).describe("Format of the image file"),
  imageFormatOptions: z.enum(formatOptions).describe("How the format is written"),
  imageCompress: z.enum(compressions).describe("Compression of the stored image file"),
  login: text.describe("Name of the user that can log in and become root"),
  repos: z
    .record(text, z.union([z.boolean(), text, z.null()], { error: "expected true, false, null, or a tag" }))
    .describe("Repository URL to true, false (written as a comment), a tag (for @tag), or null"),
  repoKeys: list.describe("Files of additional apk keys, relative to the project; layers append"),
  packages: z
    .record(
      text,
      z.union(
        [
          z.boolean(),
          z.null(),
          text.regex(/^(--no-scripts( \S+)?|[^\s-]\S*)$/, {
            error: "expected TAG, --no-scripts or --no-scripts TAG",
          }),
        ],
        { error: "expected true, false, null, TAG, --no-scripts or --no-scripts TAG" },
      ),
    )
    .describe("Package to true (add), false (delete), null (neither), TAG, --no-scripts or --no-scripts TAG"),
  services: z
    .record(text, switches.nullable())
    .describe("Runlevel to service to true (enable), false (disable), null (neither)"),
  kernelModules: switches.describe("Kernel modules that the boot loader configuration names"),
  kernelOptions: switches.describe("Options on the kernel's command line"),
  initfsFeatures: switches.describe("Features of the initramfs"),
  bootloader: z.enum(bootloaders).describe("Boot loader"),
  ntpServer: text.describe("NTP server; empty for chrony's default"),
  access: z
    .record(text, z.union([onOff, z.literal("leaving")], { error: "expected true, false, null or leaving" }))
    .describe(
      "PUBLIC or an account, to whether it may use the published image; `leaving` still allows it, but no longer protects it from removal",
    ),
  regions: switches.describe("ALL or a region, to true if the image is published there"),
  encrypted: z
    .union([z.boolean(), text], { error: "expected true, false, or a key" })
    .describe("Whether the imported image is encrypted, or the key that encrypts it"),
  storageUrl: text.describe("Where images are stored; the authoritative copy"),
  downloadUrl: text.describe("Where released images can be downloaded"),
  signingCommand: text.describe("Command that signs {file} into {file}.asc"),
  releaseCommand: text.describe("Command that completes an image's release"),
  bootstrapUrl: text.describe("Home page of the bootstrap system"),
  cloudRegionUrl: text.describe("Page of an image in a region; may use {region} and {image_id}"),
  cloudLaunchUrl: text.describe("Page that launches an image; may use {region} and {image_id}"),
  endOfLife: day.describe("Overrides the ledger's date"),
  releaseNotes: text.describe("URL; overrides the ledger's"),
  vars: z.record(text, text).describe("Additional words for {braces} in texts"),
} as const;

export type Field = keyof typeof fields;

/** The names of all fields, including those of clouds. */
export const fieldNames = oncePerClouds((clouds): readonly string[] => Object.keys(fieldsWith(clouds)));

/** The common fields, and for each cloud with options a field with the cloud's name. */
function fieldsWith(clouds: readonly CloudRules[]): z.ZodRawShape {
  const own = clouds.flatMap(({ name, options }) =>
    options === undefined ? [] : [[name, asLayer(options)]],
  );
  return { ...fields, ...(Object.fromEntries(own) as z.ZodRawShape) };
}

/** A cloud's options as layers set them: every option may be left out, and no default is filled in. */
function asLayer(options: z.ZodObject): z.ZodType {
  const shape = Object.entries(options.shape as Record<string, z.ZodType>).map(([key, type]) => [
    key,
    (type instanceof z.ZodDefault ? (type.unwrap() as z.ZodType).optional() : type).describe(
      type.description ?? key,
    ),
  ]);
  return z
    .strictObject(Object.fromEntries(shape) as Record<string, z.ZodType>)
    .describe(options.description ?? "");
}

/** The schema of a layer file. */
export const layerSchema = oncePerClouds((clouds) => {
  const all = fieldsWith(clouds);
  const body = {
    ...all,
    reset: z
      .array(z.enum(Object.keys(all) as [string, ...string[]]))
      .describe("Fields to clear before this layer's own are merged"),
  };
  // Each field may be left out or null.
  const optional = Object.fromEntries(
    Object.entries(body).map(([key, type]) => [
      key,
      (type as z.ZodType)
        .nullable()
        .optional()
        .describe((type as z.ZodType).description ?? key),
    ]),
  );
  return z
    .strictObject({
      title: text.optional().describe("Display name of this dimension's value"),
      exclude: z.array(match).optional().describe("Combinations that do not exist; each is a match"),
      when: z
        .array(z.strictObject({ match, ...optional }))
        .optional()
        .describe("Fields for some images only; applied in order, after the layer's own fields"),
      ...optional,
    })
    .meta({
      title: "Layer",
      description: "Fields of an image, set by a dimension's value or by the defaults",
    });
});

/** Fields by name; the schema checks their values. */
export type LayerFields = Record<string, unknown>;
export interface LayerData extends LayerFields {
  title?: string;
  reset?: string[] | null;
  exclude?: Match[];
  when?: ({ match: Match; reset?: string[] | null } & LayerFields)[];
}

export const dimensionsSchema = z
  .array(z.string().regex(/^[a-z]\w*$/, { error: "expected a name of lowercase letters, digits and _" }))
  .meta({
    title: "Dimensions",
    description:
      "The dimensions, in the order in which they are merged and joined into keys; each has a folder with one file per value",
  });

/** Region lists per cloud. They are in git, so that a lookup that misses a region never deletes its images. */
export const regionsSchema = z
  .record(
    z.string(),
    z.array(
      z.union(
        [z.string(), z.strictObject({ bestEffort: z.string() }), z.strictObject({ leaving: z.string() })],
        { error: "expected a region, {bestEffort: REGION} or {leaving: REGION}" },
      ),
    ),
  )
  .meta({
    title: "Regions",
    description:
      "The regions that `ALL` means for each cloud. An image counts as published even when a best-effort region is missing. Images " +
      "in a leaving region are no longer protected, and are deleted when the region is removed from the list",
  });
