/** Lists the images that layers, ledger and stack declare, as a table or as JSON. */
import type { CloudRules } from "./cloud-rules.ts";
import { loadSources } from "./index.ts";
import type { Step } from "./merge.ts";
import { explain, resolve, type Overrides } from "./resolve.ts";
import { fieldNames } from "./schema.ts";
import { idlePatterns, isSelected } from "./select.ts";
import { readStackFile } from "./settings.ts";
import { ConfigError, formatPlace, suggest } from "./source.ts";
import { reachedStage, variantSchema, type DeclaredImage } from "./variant.ts";
import { defined } from "../lib/defined.ts";
import type { Output } from "../lib/command.ts";
import { columns } from "../lib/table.ts";

export interface ImagesOptions {
  root: string;
  stack?: string;
  ledger?: string;
  overlay?: string[];
  only?: string[];
  skip?: string[];
  json?: boolean;
  explain?: string[];
}

/**
 * Lists the images as a table or as JSON. With `explain`, shows which layers set one field of an image.
 * @throws ConfigError with all problems
 */
export function images(options: ImagesOptions, clouds: readonly CloudRules[]): Output {
  const { root, only = [], skip = [] } = options;
  const stack = options.stack === undefined ? undefined : readStackFile(root, options.stack, clouds);
  const overlays = [...(stack?.overlays ?? []), ...(options.overlay ?? [])];
  const sources = loadSources({ root, clouds, overlays, ledgerFile: options.ledger ?? stack?.ledger });
  const overrides: Overrides = { project: stack?.project, storageUrl: stack?.storageUrl };
  const all = resolve(sources.config, sources.ledger, { versions: stack?.versions ?? [], overrides });

  if (options.explain !== undefined) {
    const [key = "", field = "", ...more] = options.explain;
    if (field === "" || more.length > 0) {
      const message = "expected KEY FIELD, for example --explain 3.23-x86_64-bios-tiny-aws packages";
      throw new ConfigError([{ code: "usage", file: "--explain", path: "", message }]);
    }
    const image = findImage(all, key);
    return {
      text: explainField(sources.config, image, field, overrides, options.json === true),
      warnings: [],
    };
  }

  const chosen = all.filter(({ variant }) => isSelected(variant, { only, skip }));
  const words = [...new Set(all.flatMap(({ variant }) => Object.values(variant.dimensions)))];
  const warnings = idlePatterns(
    all.map(({ variant }) => variant),
    { only, skip },
  ).map((pattern) => `no image has the word "${pattern}"${suggest(pattern, words)}`);
  const lowered = chosen.map((one) => ({
    ...one,
    state: { ...one.state, stage: reachedStage(one.state.stage, stack?.stage ?? "release") },
  }));
  return { text: options.json ? toJson(lowered) : toTable(lowered), warnings };
}

const toJson = (images: readonly DeclaredImage[]): string =>
  JSON.stringify(
    images.map(({ key, variant, state }) => ({ key, ...variant, origins: undefined, state })),
    null,
    2,
  );

function toTable(images: readonly DeclaredImage[]): string {
  const rows = images.map(({ variant, state }) => {
    const { imageKey, revision, endOfLife, imageFormat, diskSizeMib, name } = variant;
    const remarks = [
      state.retired === undefined ? "" : `retired ${state.retired}`,
      state.withdraw ? "withdraw" : "",
      state.removing ? "removing" : "",
    ].filter(Boolean);
    return [imageKey, revision, state.stage, endOfLife, imageFormat, diskSizeMib, name, remarks.join(", ")];
  });
  const head = ["image", "rev", "stage", "end of life", "format", "MiB", "name", ""];
  return `${columns([head, ...rows])}\n${images.length} image${images.length === 1 ? "" : "s"}`;
}

/** Finds an image by its key, with or without revision, or with version instead of release. Returns the newest match. */
function findImage(all: readonly DeclaredImage[], key: string): DeclaredImage {
  const found = all
    .filter((one) => [one.key, one.variant.imageKey, one.variant.configKey].includes(key))
    .at(-1);
  if (found) return found;
  const keys = all.map(({ variant }) => variant.imageKey);
  throw new ConfigError([
    {
      code: "unknown-image",
      file: "--explain",
      path: key,
      message: `unknown image${suggest(key, keys).slice(0, 300)}`,
    },
  ]);
}

/** Fields of a variant that have another name in layers. */
const layerNames: Record<string, string> = { diskSizeMib: "diskSize" };

function explainField(
  config: Parameters<typeof explain>[0],
  { key, variant, state }: DeclaredImage,
  asked: string,
  overrides: Overrides,
  json: boolean,
): string {
  const [name = ""] = asked.split(".");
  const field = layerNames[name] ?? name;
  const known = [
    ...Object.keys(variantSchema(config.clouds).shape).filter((name) => name !== "origins"),
    ...fieldNames(config.clouds),
    ...config.dimensions.map((name) => `${name}Name`),
  ];
  if (!known.includes(name)) {
    throw new ConfigError([
      {
        code: "unknown-field",
        file: "--explain",
        path: asked,
        message: `unknown field${suggest(name, known)}`,
      },
    ]);
  }
  const steps = explain(config, variant.dimensions, field, overrides).map(describeStep);
  const all: Record<string, unknown> = variant;
  const value = all[name] ?? all[`${field}Mib`] ?? variant.titles[name.replace(/Name$/, "")];
  if (json) return JSON.stringify({ key, field: name, steps, value }, null, 2);

  const rows = steps.map(({ place, when, does, value }) => [
    place,
    does,
    when === undefined ? "" : `when ${JSON.stringify(when)}`,
    JSON.stringify(value),
  ]);
  const how =
    steps.length > 0
      ? columns(rows)
      : `no layer sets it: it comes from the ledger (${state.place}) or from other fields`;
  return `${key}: ${name}\n${how}\n= ${JSON.stringify(value ?? null, null, 2)}`;
}

function describeStep({ layer, path, does, value }: Step) {
  const place = formatPlace(layer.source.place(path, "key"));
  const when = path[0] === "when" ? layer.data.when?.[Number(path[1])]?.match : undefined;
  return { place, ...defined({ when }), does, value };
}
