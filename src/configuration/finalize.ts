/** Turns merged layers into a variant: joins parts, sorts switches into lists, fills in words. */
import type { ErrorCode } from "../lib/error-codes.ts";
import type { CloudRules } from "./cloud-rules.ts";
import type { Entry } from "./ledger.ts";
import type { Fields } from "./merge.ts";
import type { Field } from "./schema.ts";
import { ConfigError, suggest, type Problem } from "./source.ts";
import { fill } from "./template.ts";
import { architectures, firmwares, type Origins, type Variant } from "./variant.ts";
import { defined } from "../lib/defined.ts";

export interface Context {
  entry: Entry;
  dimensions: Record<string, string>;
  titles: Record<string, string>;
  /** The cloud's rules, if this program knows the cloud. */
  cloud: CloudRules | undefined;
  /** The cloud's regions, if they are known. */
  regions: readonly string[] | undefined;
  /** The packages that it shares with images of other bootstraps and clouds. */
  basePackages: string[];
  /** The places in layers that ask for its packages, services and so on. */
  origins: Origins;
  /** A problem at the layer that last set this field, or this key of it. */
  blame: (field: string, code: ErrorCode, message: string, key?: string) => Problem;
}

type Switches = Record<string, boolean | null>;
export type Packages = Readonly<Record<string, boolean | string | null>>;

export function finalize(merged: Fields, context: Context): Variant {
  return new Finalizer(merged, context).variant();
}

/** Builds one image's variant from its fields, and collects all their problems. */
class Finalizer {
  readonly #merged: Fields;
  readonly #context: Context;
  readonly #imageKey: string;
  /** The values of {braces}. */
  readonly #words: Record<string, string | number>;
  readonly #problems: Problem[] = [];

  constructor(merged: Fields, context: Context) {
    this.#merged = merged;
    this.#context = context;
    const { entry, dimensions, titles } = context;
    const values = Object.entries(dimensions);
    this.#imageKey = values.map(([name, value]) => (name === "version" ? entry.release : value)).join("-");
    this.#words = { ...this.#get<Record<string, string>>("vars"), ...dimensions };
    for (const dimension in titles) this.#words[`${dimension}Name`] = titles[dimension]!;
  }

  variant(): Variant {
    const { entry, dimensions, titles } = this.#context;
    const { version = "", bootstrap = "", cloud = "" } = dimensions;
    const { release, revision, date: releaseDate } = entry;
    const imageKey = this.#imageKey;
    const configKey = Object.values(dimensions).join("-");
    const vVersion = version === "edge" ? version : `v${version}`;
    const endOfLife = this.#get<string>("endOfLife") ?? entry.endOfLife;
    const releaseNotes = this.#get<string>("releaseNotes") ?? entry.releaseNotes;
    // The order matters: a text can only use words that are set before it.
    const words = Object.assign(
      this.#words,
      { release, revision, imageKey, configKey, vVersion, endOfLife, releaseDate },
      defined({ releaseNotes }),
    );
    const project = (words.project = this.#text("project"));
    const login = (words.login = this.#text("login"));
    const name =
      (words.name =
      words.base =
        this.#fill("name", this.#required<string[]>("name", []).join("-")));
    const description = this.#fill("description", this.#required<string[]>("description", []).join(" "));
    words.description = description;

    const variant: Variant = {
      imageKey,
      configKey,
      revision,
      dimensions,
      version,
      release,
      arch: this.#oneOf("arch", architectures),
      firmware: this.#oneOf("firmware", firmwares),
      bootstrap,
      cloud,
      name,
      description,
      project,
      endOfLife,
      ...defined({ releaseNotes }),
      releaseDate,
      repos: this.#repos(),
      repoKeys: this.#list("repoKeys").map((file) => this.#fill("repoKeys", file)),
      packages: this.#packages(),
      basePackages: this.#context.basePackages,
      services: sortServices(this.#get("services") ?? {}),
      kernelModules: switchedOn(this.#get("kernelModules")),
      kernelOptions: switchedOn(this.#get("kernelOptions")),
      initfsFeatures: switchedOn(this.#get("initfsFeatures")),
      motd: this.#motd(releaseNotes !== undefined),
      ntpServer: this.#get("ntpServer") ?? "",
      login,
      bootloader: this.#required("bootloader", "extlinux"),
      diskSizeMib: this.#diskSize(),
      scripts: this.#list("scripts"),
      scriptDirs: this.#list("scriptDirs"),
      imageFormat: this.#required("imageFormat", "qcow2"),
      ...this.#plain("imageFormatOptions"),
      ...this.#plain("imageCompress"),
      encrypted: this.#get("encrypted") ?? false,
      ...this.#cloudOptions(),
      storageUrl: this.#text("storageUrl"),
      downloadUrl: this.#text("downloadUrl"),
      ...this.#optional("signingCommand", ["file"]),
      ...this.#optional("releaseCommand", ["file"]),
      access: this.#access(),
      regions: this.#regions(),
      archName: this.#title("arch"),
      firmwareName: this.#title("firmware"),
      bootstrapName: this.#title("bootstrap"),
      bootstrapUrl: this.#text("bootstrapUrl"),
      cloudName: this.#title("cloud"),
      ...this.#optional("cloudRegionUrl", ["region", "image_id"]),
      ...this.#optional("cloudLaunchUrl", ["region", "image_id"]),
      titles,
      origins: this.#context.origins,
    };
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
    return variant;
  }

  #wrong(field: string, code: ErrorCode, message: string, key?: string): void {
    this.#problems.push({ ...this.#context.blame(field, code, message, key), image: this.#imageKey });
  }

  /** Each layer was checked against the schema, so a field has its type or is null. */
  #get<T>(field: Field): T | undefined {
    return (this.#merged[field] ?? undefined) as T | undefined;
  }

  #required<T>(field: Field, otherwise: T): T {
    const value = this.#get<T>(field);
    if (value === undefined) this.#wrong(field, "field-unset", `no layer sets ${field}`);
    return value ?? otherwise;
  }

  #list(field: Field): string[] {
    return this.#get<string[]>(field) ?? [];
  }

  #fill(field: Field, text: string, later: readonly string[] = []): string {
    return fill(text, this.#words, later, (message) => this.#wrong(field, "placeholder-invalid", message));
  }

  #text(field: Field): string {
    return this.#fill(field, this.#required(field, ""));
  }

  /** A field that may be missing, as an object to spread. */
  #optional<F extends Field>(field: F, later: readonly string[]): { [K in F]?: string } {
    const value = this.#get<string>(field);
    return (value === undefined ? {} : { [field]: this.#fill(field, value, later) }) as { [K in F]?: string };
  }

  #plain<F extends Field & keyof Variant>(field: F): Pick<Variant, F> | Record<string, never> {
    const value = this.#get<Variant[F]>(field);
    return value === undefined ? {} : ({ [field]: value } as unknown as Pick<Variant, F>);
  }

  /** The options of the image's cloud, under the cloud's name. */
  #cloudOptions(): Record<string, unknown> {
    const { cloud } = this.#context;
    if (cloud?.options === undefined) return {};
    return { [cloud.name]: cloud.options.parse(this.#merged[cloud.name] ?? {}) };
  }

  /** A dimension whose values the builder must support. */
  #oneOf<T extends string>(dimension: string, known: readonly T[]): T {
    const value = this.#context.dimensions[dimension] as T;
    if (!known.includes(value))
      this.#wrong(
        "title",
        "dimension-unsupported",
        `${dimension} "${value}" is not supported; supported: ${known.join(", ")}`,
      );
    return value;
  }

  #title(dimension: string): string {
    const { titles, dimensions } = this.#context;
    const title = titles[dimension];
    if (title === undefined)
      this.#wrong("title", "field-unset", `no layer of ${dimension} "${dimensions[dimension]}" has a title`);
    return title ?? "";
  }

  #repos(): Variant["repos"] {
    const repos = Object.entries(this.#required<Record<string, boolean | string | null>>("repos", {}));
    return repos
      .filter(([, value]) => value !== null)
      .map(([url, value]) => {
        const tag = typeof value === "string" ? { tag: value } : {};
        return { url: this.#fill("repos", url), ...tag, enabled: value !== false };
      });
  }

  /** A text must be a repository's tag, which catches `yes` and a mistyped `true`. */
  #packages(): Variant["packages"] {
    const packages = this.#get<Packages>("packages") ?? {};
    const tags = Object.values(this.#get<Packages>("repos") ?? {}).filter((tag) => typeof tag === "string");
    for (const [name, value] of Object.entries(packages)) {
      const tag = tagOf(value);
      if (tag === "" || tags.includes(tag)) continue;
      this.#wrong(
        "packages",
        "unknown-repository-tag",
        `no repository has the tag "${tag}"${suggest(tag, [...tags, "true", "false"])}`,
        name,
      );
    }
    return sortPackages(packages);
  }

  #diskSize(): number {
    const size = this.#required<number[]>("diskSize", []).reduce((sum, part) => sum + part, 0);
    if (size <= 0) this.#wrong("diskSize", "value-invalid", `adds up to ${size} MiB`);
    return size;
  }

  #access(): Variant["access"] {
    const access = decided<boolean | "leaving">(this.#get("access"));
    for (const key in access) {
      const problem = this.#context.cloud?.granteeProblem?.(key);
      if (problem !== undefined) this.#wrong("access", "grantee-invalid", `"${key}" ${problem}`, key);
    }
    return access;
  }

  #regions(): Variant["regions"] {
    const regions = decided<boolean>(this.#get("regions"));
    const known = this.#context.regions;
    for (const region in regions) {
      if (region !== "ALL" && known !== undefined && !known.includes(region)) {
        this.#wrong(
          "regions",
          "unknown-region",
          `unknown region "${region}"${suggest(region, known)} (from configs/regions.yaml)`,
          region,
        );
      }
    }
    return regions;
  }

  /** The sections, separated by blank lines; `release_notes` only if the release has some. */
  #motd(hasNotes: boolean): string {
    const sections = this.#get<Record<string, string | string[] | null>>("motd") ?? {};
    return Object.entries(sections)
      .filter(([key, section]) => section !== null && (key !== "release_notes" || hasNotes))
      .map(([, section]) => this.#fill("motd", [section].flat().join("\n")))
      .join("\n\n");
  }
}

const switchedOn = (map: Switches = {}): string[] => Object.keys(map).filter((key) => map[key] === true);

/** The entries that are not null. */
const decided = <T = boolean>(map: Readonly<Record<string, T | null>> = {}): Record<string, T> =>
  Object.fromEntries(Object.entries(map).filter((pair): pair is [string, T] => pair[1] !== null));

const NO_SCRIPTS = "--no-scripts";

const tagOf = (value: Packages[string]): string =>
  typeof value === "string" ? value.replace(NO_SCRIPTS, "").trim() : "";

export function sortPackages(packages: Packages): Variant["packages"] {
  const sorted: Variant["packages"] = { add: [], delete: [], noScripts: [] };
  for (const [name, value] of Object.entries(packages)) {
    if (value === null) continue;
    if (value === false) sorted.delete.push(name);
    else if (value === true) sorted.add.push(name);
    else {
      const tag = tagOf(value);
      sorted[value.startsWith(NO_SCRIPTS) ? "noScripts" : "add"].push(tag ? `${name}@${tag}` : name);
    }
  }
  return sorted;
}

function sortServices(services: Readonly<Record<string, Switches | null>>): Variant["services"] {
  const sorted: Variant["services"] = { enable: {}, disable: {} };
  for (const [level, names] of Object.entries(services)) {
    for (const [name, value] of Object.entries(names ?? {})) {
      if (value !== null) (sorted[value ? "enable" : "disable"][level] ??= []).push(name);
    }
  }
  return sorted;
}
