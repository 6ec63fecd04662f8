/** Reads the layers of `configs/` and of overlays, and checks each file. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { CloudRules } from "./cloud-rules.ts";
import { readRegions, type Regions } from "./regions.ts";
import { dimensionsSchema, layerSchema, matches, type LayerData, type Match } from "./schema.ts";
import {
  check,
  collect,
  ConfigError,
  plainSource,
  problemAt,
  readSource,
  suggest,
  type Path,
  type Place,
  type Problem,
  type Source,
} from "./source.ts";

export interface Layer {
  source: Source;
  data: LayerData;
  /** The layer's dimension; undefined for defaults and mandatory. */
  dimension?: string;
}

export interface Configuration {
  /** In the order in which they are merged and joined into keys. */
  dimensions: string[];
  /** Dimension to all its values, in a stable order. */
  values: Map<string, string[]>;
  /** The clouds that this program knows, with their rules. */
  clouds: readonly CloudRules[];
  /** Cloud to the regions that `ALL` means. */
  regions: Regions;
  /** Unknown dimensions and values in rules. `resolve` reports them together with the ledger's problems. */
  mistakes: Problem[];
  /** The layers of an image with these dimensions, in order. */
  chain(dimensions: Readonly<Record<string, string>>): Layer[];
}

export const CONFIGS = "configs";
/** Other names in `configs/` and in an overlay, besides those of dimensions. */
const COMMON = ["defaults", "mandatory", "dimensions"];
const OTHER_FILES = ["regions"];
const OTHER_FOLDERS = ["overlays", "scripts", "keys"];

/** The folder of an overlay, relative to root: a path from root or from `configs/`, or a name in `configs/overlays/`. */
export function overlayFolder(root: string, name: string): string {
  const tried = [name, join(CONFIGS, name), join(CONFIGS, "overlays", name)];
  const found = tried
    .map((path) => relative(root, resolve(root, path)))
    .find((path) => !["", CONFIGS, join(CONFIGS, "overlays")].includes(path) && isFolder(join(root, path)));
  if (found !== undefined) return found;
  const all = join(root, CONFIGS, "overlays");
  const known = isFolder(all) ? readdirSync(all).sort() : [];
  const message = `overlay folder not found (tried ${tried.join(", ")})${suggest(basename(name), known)}`;
  throw new ConfigError([{ code: "overlay-missing", file: name || '""', path: "overlays", message }]);
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** A folder of layers: `version.yaml` applies to all versions, `version/3.20.yaml` to one. */
interface Folder {
  /** `cloud/aws` to its layer. */
  layers: Map<string, Layer>;
}

export function loadConfiguration(
  root: string,
  overlays: readonly string[],
  clouds: readonly CloudRules[],
): Configuration {
  const paths = [CONFIGS, ...collect(overlays.map((name) => () => overlayFolder(root, name)))];
  const dimensions = collect(paths.map((path) => () => readDimensions(root, path))).flat();
  const twice = dimensions.find((name, i) => dimensions.indexOf(name) !== i);
  const clash = dimensions.find((name) => [...COMMON, ...OTHER_FILES, ...OTHER_FOLDERS].includes(name));
  if (twice ?? clash) {
    const why = twice ? "this dimension is listed twice" : "another file or folder already has this name";
    throw new ConfigError([
      {
        code: "dimension-name-taken",
        file: join(paths.at(-1)!, "dimensions.yaml"),
        path: (twice ?? clash)!,
        message: why,
      },
    ]);
  }

  const folders = collect(paths.map((path) => () => readFolder(root, path, dimensions, clouds)));
  const values = new Map(
    dimensions.map((dimension) => {
      const prefix = `${dimension}/`;
      const keys = folders.flatMap(({ layers }) =>
        [...layers.keys()].filter((key) => key.startsWith(prefix)),
      );
      return [dimension, [...new Set(keys.map((key) => key.slice(prefix.length)))].sort(compareValues)];
    }),
  );
  const pick = (name: string) => folders.flatMap(({ layers }) => layers.get(name) ?? []);
  const defaults = pick("defaults");
  const mandatory = pick("mandatory");
  /** Per folder, the dimension's common layer and then the value's, so that an overlay overrides the project. */
  const steps = new Map<string, Layer[]>();
  for (const [dimension, names] of values) {
    for (const value of names) {
      const layers = folders.flatMap((folder) =>
        [dimension, `${dimension}/${value}`].flatMap((name) => folder.layers.get(name) ?? []),
      );
      steps.set(`${dimension}/${value}`, layers);
    }
  }
  const chains = new Map<string, Layer[]>();
  return {
    clouds,
    dimensions,
    values,
    regions: readRegions(root, paths),
    mistakes: ruleMistakes(
      folders.flatMap(({ layers }) => [...layers.values()]),
      dimensions,
      values,
    ),
    chain: (chosen) => {
      const key = dimensions.map((dimension) => chosen[dimension]).join("/");
      let chain = chains.get(key);
      if (chain === undefined) {
        const own = dimensions.flatMap((dimension) => steps.get(`${dimension}/${chosen[dimension]}`) ?? []);
        chains.set(key, (chain = [...defaults, ...own, ...mandatory]));
      }
      return chain;
    },
  };
}

function readDimensions(root: string, path: string): string[] {
  const file = join(path, "dimensions.yaml");
  if (path !== CONFIGS && !existsSync(join(root, file))) return [];
  return check(dimensionsSchema, readSource(join(root, file), file));
}

function readFolder(
  root: string,
  path: string,
  dimensions: readonly string[],
  clouds: readonly CloudRules[],
): Folder {
  const problems: Problem[] = [];
  const names: string[] = [];
  for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
    const file = join(path, entry.name);
    if (entry.isDirectory()) {
      const inside = readdirSync(join(root, file)).filter((name) => /\.ya?ml$/.test(name));
      if (dimensions.includes(entry.name)) {
        const odd = inside.filter((name) => !name.endsWith(".yaml"));
        problems.push(
          ...odd.map((name) => ({
            code: "file-unused" as const,
            file: join(file, name),
            path: "",
            message: "layer files must end in .yaml",
          })),
        );
        names.push(
          ...inside
            .filter((name) => name.endsWith(".yaml"))
            .map((name) => join(entry.name, name.slice(0, -5))),
        );
      } else if (inside.length > 0 && !OTHER_FOLDERS.includes(entry.name)) {
        const message = `not a dimension; to add it, list it in ${path}/dimensions.yaml${suggest(entry.name, dimensions)}`;
        problems.push({ code: "file-unused", file, path: "", message });
      }
    } else if (/\.ya?ml$/.test(entry.name)) {
      const name = entry.name.replace(/\.ya?ml$/, "");
      const layers = ["defaults", "mandatory", ...dimensions];
      if (layers.includes(name) && entry.name.endsWith(".yaml")) names.push(name);
      else if (![...COMMON, ...OTHER_FILES].includes(name) && !name.startsWith("releases")) {
        const known = [...layers, ...COMMON, ...OTHER_FILES, "releases"].map((known) => `${known}.yaml`);
        problems.push({
          code: "file-unused",
          file,
          path: "",
          message: `this file is not used${suggest(entry.name, known)}`,
        });
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const layers = collect(
    names.map((name) => () => {
      const file = join(path, `${name}.yaml`);
      const [dimension] = name.split("/");
      return [
        name,
        parseLayer(
          readSource(join(root, file), file),
          clouds,
          dimensions.includes(dimension!) ? dimension : undefined,
        ),
      ] as const;
    }),
  );
  return { layers: new Map(layers) };
}

export function parseLayer(source: Source, clouds: readonly CloudRules[], dimension?: string): Layer {
  const data = check(layerSchema(clouds), source) as LayerData;
  return dimension === undefined ? { source, data } : { source, data, dimension };
}

/** The last layer, which has no file: it comes from the stack's settings. */
export const settingsLayer = (data: LayerData): Layer => ({
  source: plainSource("stack settings", data),
  data,
});

/** Checks that every dimension and value in `when` and `exclude` exists. */
function ruleMistakes(
  layers: readonly Layer[],
  dimensions: readonly string[],
  values: Configuration["values"],
): Problem[] {
  return layers.flatMap(({ source, data }) => [
    ...(data.exclude ?? []).flatMap((rule, i) =>
      checkMatch(source, ["exclude", i], rule, dimensions, values),
    ),
    ...(data.when ?? []).flatMap((rule, i) =>
      checkMatch(source, ["when", i, "match"], rule.match, dimensions, values),
    ),
  ]);
}

export function checkMatch(
  source: Source,
  path: Path,
  rule: Match,
  dimensions: readonly string[],
  values: Configuration["values"],
): Problem[] {
  return Object.entries(rule).flatMap(([dimension, wanted]) => {
    const known = values.get(dimension);
    if (!dimensions.includes(dimension) || known === undefined) {
      return [
        problemAt(
          source,
          "unknown-dimension",
          [...path, dimension],
          `unknown dimension${suggest(dimension, dimensions)}`,
          "key",
        ),
      ];
    }
    return [wanted].flat().flatMap((value, i) => {
      if (known.includes(value)) return [];
      const where = Array.isArray(wanted) ? [...path, dimension, i] : [...path, dimension];
      return [
        problemAt(
          source,
          "unknown-dimension-value",
          where,
          `unknown ${dimension} "${value}"${suggest(value, known)}`,
        ),
      ];
    });
  });
}

/** The place of the rule that excludes this combination; undefined if no rule does. */
export function excludedBy(
  config: Configuration,
  chosen: Readonly<Record<string, string>>,
): Place | undefined {
  for (const { source, data } of config.chain(chosen)) {
    const i = (data.exclude ?? []).findIndex((rule) => matches(rule, chosen));
    if (i >= 0) return source.place(["exclude", i]);
  }
  return undefined;
}

/** Sorts 3.9 before 3.10, edge after numbers, and names alphabetically. */
export function compareValues(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
const collator = new Intl.Collator("en", { numeric: true });
