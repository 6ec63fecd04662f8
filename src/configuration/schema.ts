/** What a layer file may say, and the shapes that layers, ledger and stack settings share. */
import { z } from "zod";
import { type CloudRules, oncePerClouds } from "./cloud-rules.ts";

// Compiled validators pay off in programs that live longer than a second or two.
z.config({ jitless: true });

/** YYYY-MM-DD, and a day that exists. */
export const day = z
  .string({ error: "expected a date as YYYY-MM-DD" })
  .refine(isDay, {
    error: (issue) => `expected a date as YYYY-MM-DD, got the text ${JSON.stringify(issue.input)}`,
  })
  .meta({ format: "date" });

/** Whether it is YYYY-MM-DD, and a day that exists. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** A dimension's value. An unquoted number, such as an edge release, counts as its text. */
export const word = z
  .union([z.string().min(1), z.number().transform(String)], { error: "expected a text" })
  .meta({ description: "A dimension's value" });

/** Dimension to one value or several: any of them inside one dimension, all of the dimensions named. */
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

/** The fields of an image that layers set. `null` forgets what earlier layers said. */
export const fields = {
  project: text.describe("Unique name of the whole collection of images; set your own in an overlay"),
  name: list.describe("Parts of the image's name, joined by dashes; added to"),
  description: list.describe("Parts of the image's description, joined by spaces; added to"),
  motd: z
    .record(text, z.union([text, list, z.null()], { error: "expected a text, a list of lines, or null" }))
    .describe("Sections of /etc/motd, a blank line between them; null leaves one out"),
  scripts: list.describe("Guest scripts, in the order they run; added to"),
  scriptDirs: list.describe("Folders of files that the guest scripts use; added to"),
  diskSize: z.array(z.int()).describe("The disk's size in MiB is the sum of this list; added to"),
  imageFormat: z.enum(formats).describe("Format of the image file"),
  imageFormatOptions: z.enum(formatOptions).describe("How the format is written"),
  imageCompress: z.enum(compressions).describe("Compression of the stored image file"),
  login: text.describe("Name of the user that can log in and become root"),
  repos: z
    .record(text, z.union([z.boolean(), text, z.null()], { error: "expected true, false, null, or a tag" }))
    .describe("Repository URL to true, false (written as a comment), a tag for @tag, or null"),
  repoKeys: list.describe("Files of further apk keys, relative to the project; added to"),
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
  kernelModules: switches.describe("Modules for the boot loader to name"),
  kernelOptions: switches.describe("Options on the kernel's command line"),
  initfsFeatures: switches.describe("Features of the initramfs"),
  bootloader: z.enum(bootloaders).describe("Boot loader"),
  ntpServer: text.describe("NTP server; empty for chrony's own default"),
  access: z
    .record(text, z.union([onOff, z.literal("leaving")], { error: "expected true, false, null or leaving" }))
    .describe(
      "PUBLIC or an account, to whether it may use the published image; where it is leaving, it still may, and is no longer protected from being taken out",
    ),
  regions: switches.describe("ALL or a region, to whether the image is published there"),
  encrypted: z
    .union([z.boolean(), text], { error: "expected true, false, or a key" })
    .describe("Whether, or by which key, the imported image is encrypted"),
  storageUrl: text.describe("Where images are stored, authoritative"),
  downloadUrl: text.describe("Where released images can be downloaded"),
  signingCommand: text.describe("Signs {file} into {file}.asc"),
  releaseCommand: text.describe("Completes an image's release"),
  bootstrapUrl: text.describe("Home page of the bootstrap system"),
  cloudRegionUrl: text.describe("Page of an image in a region: {region}, {image_id}"),
  cloudLaunchUrl: text.describe("Page that launches an image: {region}, {image_id}"),
  endOfLife: day.describe("Instead of the ledger's"),
  releaseNotes: text.describe("Instead of the ledger's"),
  vars: z.record(text, text).describe("Further words for {braces} in texts"),
} as const;

export type Field = keyof typeof fields;

/** The names of all fields, those of the clouds' own included. */
export const fieldNames = oncePerClouds((clouds): readonly string[] => Object.keys(fieldsWith(clouds)));

/** The common fields, and one of its name for each cloud that has options. */
function fieldsWith(clouds: readonly CloudRules[]): z.ZodRawShape {
  const own = clouds.flatMap(({ name, options }) =>
    options === undefined ? [] : [[name, asLayer(options)]],
  );
  return { ...fields, ...(Object.fromEntries(own) as z.ZodRawShape) };
}

/** A cloud's options as layers say them: each may be left out, and what is left out is not said. */
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

/** What a layer file may say. */
export const layerSchema = oncePerClouds((clouds) => {
  const all = fieldsWith(clouds);
  const body = {
    ...all,
    reset: z
      .array(z.enum(Object.keys(all) as [string, ...string[]]))
      .describe("Fields to forget before this layer's own are merged: what follows then stands alone"),
  };
  // Each field may be left out, or null.
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
      title: text.optional().describe("What people call this dimension's value"),
      exclude: z.array(match).optional().describe("Combinations that do not exist: each a match"),
      when: z
        .array(z.strictObject({ match, ...optional }))
        .optional()
        .describe("Fields for some images only; in the order written, after the layer's own"),
      ...optional,
    })
    .meta({ title: "Layer", description: "What one dimension's value, or the defaults, say about an image" });
});

/** Fields by name; resolver and schema agree on their values. */
export type LayerFields = Record<string, unknown>;
export interface LayerData extends LayerFields {
  title?: string;
  reset?: string[] | null;
  exclude?: Match[];
  when?: ({ match: Match; reset?: string[] | null } & LayerFields)[];
}

export const dimensionsSchema = z
  .array(z.string().regex(/^[a-z]\w*$/, { error: "expected a name of small letters, digits and _" }))
  .meta({
    title: "Dimensions",
    description:
      "In the order they are merged and joined into keys; each has a folder with one file per value",
  });

/** Region lists per cloud, kept in git so that a look-up that misses one never deletes its images. */
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
      "What `ALL` means for each cloud; where a region is best effort, an image counts as published without it; where it is leaving, " +
      "its images are no longer protected, and go once it is taken out",
  });
