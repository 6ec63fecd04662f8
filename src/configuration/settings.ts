/** A stack's settings: the keys in Pulumi's namespace `alpine`, their types and their defaults. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { defined } from "../lib/defined.ts";
import { type CloudRules, oncePerClouds } from "./cloud-rules.ts";
import {
  check,
  ConfigError,
  plainSource,
  problemAt,
  readSource,
  suggest,
  type Path,
  type Problem,
  type Source,
} from "./source.ts";
import { stages } from "./variant.ts";
import { officialMirrorUrl } from "../lib/official-mirror.ts";

export const NAMESPACE = "alpine";

/** A remote builder: another machine that builds images, reached over SSH. See docs/decisions/0005-remote-builders.md. */
const builderSchema = z.strictObject({
  arch: z.enum(["x86_64", "aarch64"]).describe("Architecture of the images that it builds"),
  host: z.string().min(1).describe("Host name or address"),
  port: z.int().min(1).max(65_535).default(22).describe("Port of its SSH server"),
  user: z.string().default("").describe("Login name; empty for the name of the local user"),
  hostKey: z
    .string()
    .refine(isPublicKey, {
      error: "expected a host's public key as `ssh-keyscan -t ed25519 HOST` prints it: ssh-ed25519 AAAA…",
    })
    .describe("Its public host key, `ssh-ed25519 AAAA…`; the connection fails if the host has another key"),
  privateKeyFile: z
    .string()
    .default("")
    .describe(
      "Private key for the login: a path below the project, `/…` or `~/…`; empty to use the SSH agent",
    ),
  slots: z
    .union([z.literal("auto"), z.int().min(1)])
    .default("auto")
    .describe("Guests that may run there at once; auto depends on its cores and memory"),
  folder: z
    .string()
    .min(1)
    .default(".cache/alpine-cloud-images")
    .describe("Its working folder, absolute or below the home folder of the login"),
});

/** A remote builder, with defaults filled in. */
export type Builder = z.output<typeof builderSchema>;

/** Whether a text is `TYPE BASE64`, and the encoded key has that type. */
function isPublicKey(text: string): boolean {
  const [type = "", encoded = ""] = text.split(" ");
  const blob = Buffer.from(encoded, "base64");
  return blob.length > 4 && blob.toString("latin1", 4, 4 + blob.readUInt32BE(0)) === type;
}

/** The settings that every stack has, regardless of clouds. */
const commonSettings = z.strictObject({
  overlays: z
    .array(z.string())
    .default([])
    .describe("Folders of additional layers, in order: paths, or names in configs/overlays/"),
  ledger: z
    .string()
    .default("")
    .describe("Ledger file; empty for the last overlay's ledger, or configs/releases.yaml"),
  versions: z
    .array(z.string())
    .default([])
    .describe("Versions of the ledger that this stack declares; empty for all"),
  stage: z.enum(stages).default("local").describe("The highest stage that this stack's images reach"),
  project: z
    .string()
    .default("")
    .describe("Unique name of the collection of images; empty to use the layers' value"),
  storageUrl: z
    .string()
    .default("")
    .describe("Where images are stored, as ssh://, file:// or a bucket; empty to use the layers' value"),
  mirror: z
    .strictObject({
      name: z
        .enum(["official", "offline"])
        .default("official")
        .describe("Which set of packages to use; part of an image's inputs"),
      url: z
        .string()
        .default(officialMirrorUrl)
        .describe("Where to read packages from; not part of an image's inputs"),
      keys: z
        .array(z.string())
        .default([])
        .describe("Files of apk keys to trust in addition to the pinned ones"),
      diskExtraMib: z
        .int()
        .min(0)
        .default(0)
        .describe("Extra disk space in MiB, for packages larger than Alpine's"),
    })
    .prefault({})
    .describe("Where packages come from; chosen once, when the stack is created"),
  build: z
    .strictObject({
      slots: z
        .union([z.literal("auto"), z.int().min(1)])
        .default("auto")
        .describe("Guests that may run at once on this machine; auto depends on its cores and memory"),
      isolation: z
        .enum(["auto", "vm", "namespace"])
        .default("auto")
        .describe("Where build guests run; auto takes VMs if the hardware supports them, else namespaces"),
      accelerator: z
        .enum(["auto", "kvm", "hvf", "tcg"])
        .default("auto")
        .describe("QEMU accelerator; auto boots a tiny guest to find out"),
      timeoutMinutes: z.int().min(1).default(30).describe("Time limit of a build guest, from its start"),
      cacheGib: z
        .number()
        .min(1)
        .default(20)
        .describe("Disk space, in GiB, for packages and other files cached for later builds"),
    })
    .prefault({})
    .describe("How images are built"),
  builders: z
    .array(builderSchema)
    .default([])
    .describe("Remote builders: machines that build this stack's images of an architecture, over SSH"),
  rebuild: z
    .enum(["never", "changed"])
    .default("never")
    .describe("Whether to replace images that were built from other inputs, or only report them"),
  protectPublished: z
    .boolean()
    .default(false)
    .describe("Whether published images are protected from deletion"),
  disable: z
    .array(z.enum(["sign"], { error: "expected sign; the stack's stage limits which other steps run" }))
    .default([])
    .describe("Steps to skip: sign"),
});

/** A stack's settings as in its file: the common ones, and for each cloud with settings a key with the cloud's name. */
export const settingsSchema = oncePerClouds((clouds) => {
  const own = clouds.flatMap(({ name, settings }) =>
    settings === undefined ? [] : [[name, settings.prefault({}).describe(settings.description ?? "")]],
  );
  return commonSettings
    .extend(Object.fromEntries(own) as Record<string, z.ZodType>)
    .meta({ title: "Stack settings", description: `Settings of a stack, in the namespace ${NAMESPACE}` });
});

/** A stack's settings, with defaults filled in. */
export interface StackSettings extends z.output<typeof commonSettings> {
  /** Cloud to its settings. Only the cloud knows their type. */
  clouds: Readonly<Record<string, unknown>>;
}

export interface SettingInfo {
  key: string;
  type: "string" | "boolean" | "integer" | "array" | "object";
  /** Type of an array's items. */
  items?: "string" | "object";
  description: string;
  default: unknown;
}

/** The settings as `Pulumi.yaml` declares them. */
export const settingsTable = oncePerClouds((clouds): readonly SettingInfo[] => {
  const schema = settingsSchema(clouds);
  const defaults: Record<string, unknown> = schema.parse({});
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties).map(([key, property]) => {
    const {
      type,
      items,
      description = "",
    } = property as Pick<SettingInfo, "type"> & {
      items?: { type: NonNullable<SettingInfo["items"]> };
      description?: string;
    };
    return { key, type, ...defined({ items: items?.type }), description, default: defaults[key] };
  });
});

/**
 * Reads settings from raw config values, such as Pulumi's: keys with or without the namespace, lists and objects as JSON or as
 * data. Missing keys of an object get their defaults. Throws ConfigError with all problems.
 */
export function readSettings(
  raw: Readonly<Record<string, unknown>>,
  clouds: readonly CloudRules[],
  source: Source = plainSource("stack settings", raw),
): StackSettings {
  const known = settingsTable(clouds);
  const problems: Problem[] = [];
  const data: Record<string, unknown> = {};
  const places = new Map<string, string>();
  for (const [name, value] of Object.entries(raw)) {
    const key = withoutNamespace(name);
    const info = known.find((one) => one.key === key);
    places.set(key, name);
    if (info === undefined) {
      const names = known.map((one) => one.key);
      problems.push(problemAt(source, "unknown-key", [name], `unknown setting${suggest(key, names)}`, "key"));
    } else data[key] = typeof value === "string" && info.type !== "string" ? fromJson(value) : value;
  }
  const place = (path: Path) => path.map((step, i) => (i === 0 ? (places.get(String(step)) ?? step) : step));
  try {
    const settings = check(settingsSchema(clouds), {
      ...source,
      data,
      place: (path, at) => source.place(place(path), at),
    });
    if (problems.length === 0) return withCloudsApart(settings, clouds);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  throw new ConfigError(problems);
}

/** Separates the clouds' settings: only a cloud knows their type. */
function withCloudsApart(data: Record<string, unknown>, clouds: readonly CloudRules[]): StackSettings {
  const names = clouds.map(({ name }) => name);
  const entries = Object.entries(data);
  const common = Object.fromEntries(entries.filter(([key]) => !names.includes(key)));
  const own = Object.fromEntries(entries.filter(([key]) => names.includes(key)));
  return { ...(common as z.output<typeof commonSettings>), clouds: own };
}

const withoutNamespace = (key: string): string =>
  key.startsWith(`${NAMESPACE}:`) ? key.slice(NAMESPACE.length + 1) : key;

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The name of a stack's settings file, in the project's folder. */
export const stackFileName = (stack: string): string => `Pulumi.${stack}.yaml`;

/** Reads a stack's settings from its file and from Pulumi.yaml, for programs that run without Pulumi. */
export function readStackFile(root: string, stack: string, clouds: readonly CloudRules[]): StackSettings {
  const file = stackFileName(stack);
  const source = readSource(join(root, file), file, "stack-file-missing");
  const config = ours(source.data);
  const project = existsSync(join(root, "Pulumi.yaml"))
    ? projectValues(readSource(join(root, "Pulumi.yaml")).data)
    : {};
  const set = new Set(Object.keys(config).map(withoutNamespace));
  const inherited = Object.entries(project).filter(([key]) => !set.has(withoutNamespace(key)));
  return readSettings({ ...Object.fromEntries(inherited), ...config }, clouds, {
    ...source,
    place: (path, at) => source.place(["config", ...path], at),
  });
}

/** Config entries in our namespace. Keys without a namespace belong to it, too. */
function ours(file: unknown): Record<string, unknown> {
  const config = (file as { config?: Record<string, unknown> } | null)?.config ?? {};
  const own = Object.entries(config).filter(([key]) => key.startsWith(`${NAMESPACE}:`) || !key.includes(":"));
  return Object.fromEntries(own);
}

/** `Pulumi.yaml` has a value as it is, as {value}, or as {type, default}. */
function projectValues(file: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(ours(file)).flatMap(([key, entry]) => {
      if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return [[key, entry]];
      const { value, default: otherwise } = entry as { value?: unknown; default?: unknown };
      const chosen = value ?? otherwise;
      return chosen === undefined ? [] : [[key, chosen]];
    }),
  );
}
