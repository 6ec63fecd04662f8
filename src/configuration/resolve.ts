/** Resolves layers and ledger into images. Pure: no clock, no network, no files. */
import { basePackagesOf } from "./base-packages.ts";
import { rulesOf } from "./cloud-rules.ts";
import { finalize } from "./finalize.ts";
import { expand, selections, stateOf, type Entry, type Ledger } from "./ledger.ts";
import { checkMatch, excludedBy, settingsLayer, type Configuration, type Layer } from "./load.ts";
import { mergeLayers, type Step } from "./merge.ts";
import { rememberedOrigins } from "./origins.ts";
import { publishedRegions } from "./regions.ts";
import { matches, type LayerData } from "./schema.ts";
import { ConfigError, formatPlace, formatProblem, suggest, type Problem, problemAt } from "./source.ts";
import { type DeclaredImage, keyOf, type Origins } from "./variant.ts";

/** What a stack's settings say about its images. Overrides all layers, mandatory ones included. */
export interface Overrides {
  project?: string | undefined;
  storageUrl?: string | undefined;
}

export interface ResolveOptions {
  /** Only these versions of the ledger; empty for all. */
  versions?: readonly string[];
  overrides?: Overrides;
}

export function resolve(
  config: Configuration,
  ledger: Ledger,
  options: ResolveOptions = {},
): DeclaredImage[] {
  const { versions = [], overrides = {} } = options;
  const known = config.values.get("version") ?? [];
  const problems: Problem[] = [
    ...config.mistakes,
    ...versions
      .filter((version) => !ledger.versions.includes(version))
      .map((version) => ({
        code: "unknown-version" as const,
        file: ledger.source.file,
        path: "versions",
        message: `the stack selects version "${version}", which is not in the ledger${suggest(version, ledger.versions)}`,
      })),
    ...ledger.versions.flatMap((version) =>
      known.includes(version)
        ? []
        : [
            problemAt(
              ledger.source,
              "unknown-version",
              ["versions", version],
              unknownVersion(ledger, version, known),
              "key",
            ),
          ],
    ),
  ];

  const declared: DeclaredImage[] = [];
  const last = overrideLayer(overrides);
  const shared: Shared = { base: basePackagesOf(config), origins: rememberedOrigins(config) };
  for (const entry of ledger.entries) {
    if (!known.includes(entry.version)) continue;
    if (versions.length > 0 && !versions.includes(entry.version)) continue;
    const wrong = checkEntry(config, ledger, entry);
    problems.push(...wrong);
    if (wrong.length > 0) continue;
    for (const block of entry.images) {
      for (const image of expand({ version: entry.version, ...block }, config.dimensions)) {
        try {
          const variant = resolveImage(config, ledger, entry, image, last, shared);
          const key = keyOf(variant);
          const regions = publishedRegions(variant, config.regions);
          declared.push({ key, variant, state: stateOf(entry, image), regions });
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          problems.push(...error.problems);
        }
      }
    }
  }
  problems.push(...sameNames(declared, ledger));
  if (problems.length > 0) throw new ConfigError(distinct(problems));
  return declared;
}

function unknownVersion(ledger: Ledger, version: string, known: readonly string[]): string {
  const entries = ledger.entries.filter((entry) => entry.version === version);
  const named = entries.map(({ release, revision }) => `${release} r${revision}`).join(", ");
  return `unknown version${suggest(version, known)}${named === "" ? "" : ` (in entry ${named})`}`;
}

function overrideLayer({ project, storageUrl }: Overrides): Layer[] {
  const data: LayerData = { ...(project ? { project } : {}), ...(storageUrl ? { storageUrl } : {}) };
  return Object.keys(data).length > 0 ? [settingsLayer(data)] : [];
}

/** What images have in common, computed once. */
interface Shared {
  base: (image: Record<string, string>) => string[];
  origins: (image: Record<string, string>) => Origins;
}

function resolveImage(
  config: Configuration,
  ledger: Ledger,
  entry: Entry,
  image: Record<string, string>,
  last: readonly Layer[],
  shared: Shared,
) {
  const layers = [...config.chain(image), ...last];
  return finalize(mergeLayers(layers, image), {
    entry,
    dimensions: image,
    titles: titles(layers),
    cloud: rulesOf(config.clouds, image.cloud),
    regions: config.regions[image.cloud ?? ""]?.map(({ name }) => name),
    basePackages: shared.base(image),
    origins: shared.origins(image),
    blame: (field, code, message, key) => {
      let place: Problem | undefined;
      mergeLayers(layers, image, (step) => {
        if (step.field !== field || (key !== undefined && !Object.hasOwn(Object(step.value) as object, key)))
          return;
        const path = key === undefined ? step.path : [...step.path, key];
        place = problemAt(step.layer.source, code, path, message);
      });
      return place ?? problemAt(ledger.source, code, entry.path, message);
    },
  });
}

/** The title of each dimension's value. An overlay's title overrides the project's. */
function titles(layers: readonly Layer[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { dimension, data } of layers) {
    if (dimension !== undefined && data.title !== undefined) found[dimension] = data.title;
  }
  return found;
}

/** Checks that every image of an entry exists and is listed once, and that each selection matches an image. */
function checkEntry(config: Configuration, ledger: Ledger, entry: Entry): Problem[] {
  const { source } = ledger;
  const label = `${entry.release} r${entry.revision}`;
  const others = config.dimensions.filter((dimension) => dimension !== "version");
  const named = new Map(config.values).set("version", [entry.version]);
  const problems = entry.images.flatMap((block, i) => {
    const path = [...entry.path, "images", i];
    const missing = others.filter((dimension) => !(dimension in block));
    const extra =
      "version" in block
        ? [problemAt(source, "unknown-key", [...path, "version"], "the entry already has a version", "key")]
        : [];
    return [
      ...extra,
      ...missing.map((dimension) => {
        const message = `${label} does not name a value of ${dimension}: expected one or more of ${config.values.get(dimension)?.join(", ")}`;
        return problemAt(source, "entry-incomplete", path, message);
      }),
      ...checkMatch(source, path, block, others, named).map((problem) => ({
        ...problem,
        message: `${problem.message} (in entry ${label})`,
      })),
    ];
  });
  if (problems.length > 0) return problems;

  const seen = new Set<string>();
  const images = entry.images.flatMap((block, i) =>
    expand({ version: entry.version, ...block }, config.dimensions).map((image) => {
      const key = Object.values(image).join("-");
      const rule = excludedBy(config, image);
      const place = () => source.place([...entry.path, "images", i]);
      if (seen.has(key))
        problems.push({ code: "entry-image-repeated", ...place(), message: `${label} names ${key} twice` });
      if (rule) {
        const message = `${label} names ${key}, which ${formatPlace(rule)} excludes: remove the image or the exclusion`;
        problems.push({ code: "entry-image-excluded", ...place(), message });
      }
      seen.add(key);
      return image;
    }),
  );
  for (const { path, rule } of selections(entry)) {
    const wrong = checkMatch(source, path, rule, others, named);
    problems.push(...wrong);
    if (wrong.length === 0 && !images.some((image) => matches(rule, image))) {
      problems.push(problemAt(source, "entry-selection-empty", path, `matches no image of ${label}`));
    }
  }
  return problems;
}

/** Finds images with the same file name: they would overwrite each other in storage. */
function sameNames(declared: readonly DeclaredImage[], ledger: Ledger): Problem[] {
  const first = new Map<string, string>();
  return declared.flatMap(({ key, variant }) => {
    const where = `${variant.storageUrl}/${variant.name}`;
    const other = first.get(where);
    if (other === undefined) {
      first.set(where, key);
      return [];
    }
    const message = `${other} and ${key} would both be stored as ${where}: add what differs to "name" or to storageUrl`;
    return [{ code: "image-name-clash", file: ledger.source.file, path: "name", message }];
  });
}

/** Reports the same problem in several images once. */
function distinct(problems: readonly Problem[]): Problem[] {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    const text = formatProblem(problem);
    groups.set(text, [...(groups.get(text) ?? []), problem]);
  }
  return [...groups.values()].map(([first, ...more]) => {
    if (first!.image === undefined) return first!;
    const others = more.length > 0 ? ` and ${more.length} more` : "";
    return { ...first!, message: `${first!.message} (${first!.image}${others})` };
  });
}

/** The steps by which layers set a field of an image, in order. */
export function explain(
  config: Configuration,
  image: Readonly<Record<string, string>>,
  field: string,
  overrides: Overrides = {},
): Step[] {
  const steps: Step[] = [];
  for (const layer of config.chain(image)) {
    if (
      layer.dimension !== undefined &&
      field === `${layer.dimension}Name` &&
      layer.data.title !== undefined
    ) {
      const does = steps.length === 0 ? "sets" : "replaces";
      steps.push({ layer, path: ["title"], field, does, value: layer.data.title });
    }
  }
  mergeLayers([...config.chain(image), ...overrideLayer(overrides)], image, (step) => {
    if (step.field === field) steps.push(step);
  });
  return steps;
}
