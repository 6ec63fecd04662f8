/** Finds the layer that asks for a part of an image, for messages about builds that fail. */
import type { CloudRules } from "./cloud-rules.ts";
import { type Configuration, type Layer, loadConfiguration } from "./load.ts";
import { mergeLayers } from "./merge.ts";
import { ConfigError, formatPlace, type Path } from "./source.ts";
import type { Origins, Variant } from "./variant.ts";

/** The fields with requests that a build may be unable to meet. */
const tracedFields = ["packages", "services", "kernelModules", "initfsFeatures"] as const;
type TracedField = (typeof tracedFields)[number];

type Image = Readonly<Record<string, string>>;
type Keys = Readonly<Record<string, unknown>>;

/** Where a layer sets something. The line is looked up only for the last layer that does. */
interface Said {
  layer: Layer;
  path: Path;
}

/**
 * For each thing that an image requests, the place where a layer last set it: `configs/version.yaml:32:3`.
 * The places depend on the layers alone.
 */
function originsOf(config: Configuration, image: Image): Origins {
  const said: Record<TracedField, Map<string, Said>> = {
    packages: new Map(),
    services: new Map(),
    kernelModules: new Map(),
    initfsFeatures: new Map(),
  };
  const merged = mergeLayers(config.chain(image), image, ({ layer, path, field, value }) => {
    if (!isTraced(field)) return;
    for (const keys of keysOf(field, value))
      said[field].set(nameOf(keys), { layer, path: [...path, ...keys] });
  });
  const places = (field: TracedField): [readonly string[], string][] =>
    keysOf(field, merged[field]).flatMap((keys) => {
      const found = said[field].get(nameOf(keys));
      return found === undefined ? [] : [[keys, placeOf(found)]];
    });
  const flat = (field: TracedField): Record<string, string> =>
    Object.fromEntries(places(field).map(([[key = ""], place]) => [key, place] as const));
  const services: Origins["services"] = {};
  for (const [[level = "", name = ""], place] of places("services")) (services[level] ??= {})[name] = place;
  return {
    packages: flat("packages"),
    services,
    kernelModules: flat("kernelModules"),
    initfsFeatures: flat("initfsFeatures"),
  };
}

/** `originsOf`, computed once for all releases and revisions of the same dimensions. */
export function rememberedOrigins(config: Configuration): (image: Image) => Origins {
  const known = new Map<string, Origins>();
  return (image) => {
    const key = JSON.stringify(image);
    let origins = known.get(key);
    if (origins === undefined) known.set(key, (origins = originsOf(config, image)));
    return origins;
  };
}

/** The variant without its origins. If a resource recorded them, moving a line in a layer would change the resource. */
export function withoutOrigins(variant: Variant): Variant {
  const copy = { ...variant };
  delete copy.origins;
  return copy;
}

/**
 * The variant with its origins, looked up in this project's layers if they are missing: older versions and stacks that
 * rebuild changed images do not record them.
 * @param overlays folders of additional layers, relative to the root
 */
export function withOrigins(
  variant: Variant,
  overlays: readonly string[],
  clouds: readonly CloudRules[],
  root: string,
): Variant {
  if (variant.origins !== undefined) return variant;
  try {
    return { ...variant, origins: originsOf(loadConfiguration(root, overlays, clouds), variant.dimensions) };
  } catch (error) {
    // Origins only help to explain a failure, and the layers may come from another checkout.
    if (error instanceof ConfigError) return variant;
    throw error;
  }
}

const isTraced = (field: string): field is TracedField => tracedFields.some((traced) => traced === field);

/** The paths of the keys that a field's value sets. A service's path is its runlevel and its name. */
function keysOf(field: TracedField, value: unknown): (readonly string[])[] {
  const decided = Object.entries((value ?? {}) as Keys).filter(([, value]) => value !== null);
  if (field !== "services") return decided.map(([key]) => [key]);
  return decided.flatMap(([level, names]) =>
    Object.entries(names as Keys).flatMap(([name, value]) => (value === null ? [] : [[level, name]])),
  );
}

const nameOf = (keys: readonly string[]): string => keys.join("/");

const placeOf = ({ layer, path }: Said): string => formatPlace(layer.source.place(path, "key"));
