/** Merged layers into a variant: parts joined, switches sorted into lists, words filled in. */
import type { Entry } from "./ledger.ts";
import type { Fields } from "./merge.ts";
import type { Field } from "./schema.ts";
import { ConfigError, type Problem } from "./source.ts";
import { fill } from "./template.ts";
import { variantSchema, type Variant } from "./variant.ts";

export interface Context {
  entry: Entry;
  dimensions: Record<string, string>;
  titles: Record<string, string>;
  /** The mistake at the layer that last set this field. */
  blame: (field: string, message: string) => Problem;
}

type Switches = Record<string, boolean | null>;
type Words = Record<string, string | number>;

export function finalize(merged: Fields, { entry, dimensions, titles, blame }: Context): Variant {
  const { version, arch, firmware, bootstrap, cloud } = dimensions;
  const { release, revision } = entry;
  const imageKey = Object.entries(dimensions)
    .map(([dimension, value]) => (dimension === "version" ? release : value))
    .join("-");
  const problems: Problem[] = [];
  const wrong = (field: string, message: string) =>
    problems.push({ ...blame(field, message), image: imageKey });

  const get = <T>(field: Field) => (merged[field] ?? undefined) as T | undefined;
  const required = <T>(field: Field, otherwise: T): T => {
    const value = get<T>(field);
    if (value === undefined) wrong(field, `no layer sets ${field}`);
    return value ?? otherwise;
  };

  const endOfLife = get<string>("endOfLife") ?? entry.endOfLife;
  const releaseNotes = get<string>("releaseNotes") ?? entry.releaseNotes;
  const words: Words = {
    ...get<Words>("vars"),
    ...dimensions,
    ...Object.fromEntries(Object.entries(titles).map(([dimension, title]) => [`${dimension}Name`, title])),
    release,
    revision,
    imageKey,
    configKey: Object.values(dimensions).join("-"),
    vVersion: version === "edge" ? version : `v${version}`,
    endOfLife,
    releaseDate: entry.date,
    ...(releaseNotes === undefined ? {} : { releaseNotes }),
  };
  const filled = (field: Field, text: string, later: readonly string[] = []) =>
    fill(text, words, later, (message) => wrong(field, message));
  const word = (field: Field) => (words[field] = filled(field, required(field, "")));
  /** A field that may be missing, as an object to spread. */
  const optional = <F extends Field>(field: F, later: readonly string[] = []) => {
    const value = get<string>(field);
    return (value === undefined ? {} : { [field]: filled(field, value, later) }) as { [K in F]?: string };
  };

  const project = word("project");
  const login = word("login");
  const name = filled("name", required<string[]>("name", []).join("-"));
  words.name = words.base = name;
  const description = (words.description = filled(
    "description",
    required<string[]>("description", []).join(" "),
  ));
  const list = (field: Field) => get<string[]>(field) ?? [];
  const on = (field: Field) => keys(get<Switches>(field), (value) => value === true);
  const title = (dimension: string): string => {
    if (titles[dimension] === undefined) {
      wrong("title", `no layer of ${dimension} "${dimensions[dimension]}" has a title`);
    }
    return titles[dimension] ?? "";
  };

  const variant = {
    imageKey,
    configKey: words.configKey,
    revision,
    dimensions,
    version,
    release,
    arch,
    firmware,
    bootstrap,
    cloud,
    name,
    description,
    project,
    endOfLife,
    ...(releaseNotes === undefined ? {} : { releaseNotes }),
    releaseDate: entry.date,
    repos: Object.entries(required<Record<string, boolean | string | null>>("repos", {})).flatMap(
      ([url, value]) =>
        value === null
          ? []
          : [
              {
                url: filled("repos", url),
                ...(typeof value === "string" ? { tag: value } : {}),
                enabled: value !== false,
              },
            ],
    ),
    repoKeys: list("repoKeys").map((url) => filled("repoKeys", url)),
    packages: sortPackages(get("packages") ?? {}),
    services: sortServices(get<Record<string, Switches | null>>("services") ?? {}),
    kernelModules: on("kernelModules"),
    kernelOptions: on("kernelOptions"),
    initfsFeatures: on("initfsFeatures"),
    motd: motd(get<Motd>("motd") ?? {}, releaseNotes !== undefined, (text) => filled("motd", text)),
    ntpServer: get<string>("ntpServer") ?? "",
    login,
    bootloader: required("bootloader", "extlinux"),
    diskSizeMib: required<number[]>("diskSize", [1]).reduce((sum, part) => sum + part, 0),
    scripts: list("scripts"),
    scriptDirs: list("scriptDirs"),
    imageFormat: required("imageFormat", "qcow2"),
    ...plain(merged, "imageFormatOptions"),
    ...plain(merged, "imageCompress"),
    encrypted: get<boolean | string>("encrypted") ?? false,
    storageUrl: filled("storageUrl", required("storageUrl", "")),
    downloadUrl: filled("downloadUrl", required("downloadUrl", "")),
    ...optional("signingCommand", ["file"]),
    ...optional("releaseCommand", ["file"]),
    access: decided(get("access")),
    regions: decided(get("regions")),
    archName: title("arch"),
    firmwareName: title("firmware"),
    bootstrapName: title("bootstrap"),
    bootstrapUrl: filled("bootstrapUrl", required("bootstrapUrl", "")),
    cloudName: title("cloud"),
    ...optional("cloudRegionUrl", ["region", "image_id"]),
    ...optional("cloudLaunchUrl", ["region", "image_id"]),
    titles,
  };
  const checked = variantSchema.safeParse(variant);
  if (checked.success && problems.length === 0) return checked.data;
  for (const issue of checked.error?.issues ?? []) {
    wrong(String(issue.path[0]), `${issue.path.join(".")}: ${issue.message}`);
  }
  throw new ConfigError(problems);
}

const plain = (merged: Fields, field: Field) => (merged[field] == null ? {} : { [field]: merged[field] });

const keys = (map: Switches = {}, want: (value: boolean | null) => boolean): string[] =>
  Object.keys(map).filter((key) => want(map[key] ?? null));

/** Without the undecided. */
const decided = (map: Switches = {}): Record<string, boolean> =>
  Object.fromEntries(Object.entries(map).filter((pair): pair is [string, boolean] => pair[1] !== null));

const NO_SCRIPTS = "--no-scripts";

function sortPackages(packages: Readonly<Record<string, boolean | string | null>>): Variant["packages"] {
  const sorted: Variant["packages"] = { add: [], delete: [], noScripts: [] };
  for (const [name, value] of Object.entries(packages)) {
    if (value === null) continue;
    if (value === false) sorted.delete.push(name);
    else if (value === true) sorted.add.push(name);
    else {
      const tag = value.replace(NO_SCRIPTS, "").trim();
      sorted[value.startsWith(NO_SCRIPTS) ? "noScripts" : "add"].push(tag ? `${name}@${tag}` : name);
    }
  }
  return sorted;
}

function sortServices(services: Readonly<Record<string, Switches | null>>): Variant["services"] {
  const pick = (wanted: boolean) =>
    Object.fromEntries(
      Object.entries(services)
        .map(([level, names]) => [level, keys(names ?? {}, (value) => value === wanted)] as const)
        .filter(([, names]) => names.length > 0),
    );
  return { enable: pick(true), disable: pick(false) };
}

type Motd = Record<string, string | string[] | null>;

/** Sections with a blank line between; `release_notes` only for a release that has some. */
function motd(sections: Motd, hasNotes: boolean, filled: (text: string) => string): string {
  return Object.entries(sections)
    .filter(([key, section]) => section !== null && (key !== "release_notes" || hasNotes))
    .map(([, section]) => filled([section].flat().join("\n")))
    .join("\n\n");
}
