/** Which layer asks for a part of an image, for messages about what a build could not do. */
import type { CloudRules } from "./cloud-rules.ts";
import { type Configuration, type Layer, loadConfiguration } from "./load.ts";
import { mergeLayers } from "./merge.ts";
import { ConfigError, formatPlace, type Path } from "./source.ts";
import type { Origins, Variant } from "./variant.ts";

/** The fields where a build can fail for what a layer asked. */
const tracedFields = ["packages", "services", "kernelModules", "initfsFeatures"] as const;
type TracedField = (typeof tracedFields)[number];

type Image = Readonly<Record<string, string>>;
type Keys = Readonly<Record<string, unknown>>;

/** Where a layer says something: the place is looked up only for the layer that has the last word. */
interface Said {
  layer: Layer;
  path: Path;
}

/**
 * The places of the layers that last said something about what an image asks for: each as `configs/version.yaml:32:3`.
 * They depend on the layers alone.
 */
export function originsOf(config: Configuration, image: Image): Origins {
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

/** `originsOf`, worked out once for images of the same dimensions: releases and revisions share them. */
export function rememberedOrigins(config: Configuration): (image: Image) => Origins {
  const known = new Map<string, Origins>();
  return (image) => {
    const key = JSON.stringify(image);
    let origins = known.get(key);
    if (origins === undefined) known.set(key, (origins = originsOf(config, image)));
    return origins;
  };
}

/** The variant without its origins: a layer's line that moves would count as a change of whatever records them. */
export function withoutOrigins(variant: Variant): Variant {
  const copy = { ...variant };
  delete copy.origins;
  return copy;
}

/**
 * The variant with its origins, looked up in this project's layers if it came without: an older version or a stack that
 * rebuilds what changed has recorded none.
 * @param overlays folders of further layers, relative to the root
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
    // Origins only help to explain a failure: the layers may be those of another checkout.
    if (error instanceof ConfigError) return variant;
    throw error;
  }
}

const isTraced = (field: string): field is TracedField => tracedFields.some((traced) => traced === field);

/** The keys that a field's value decides, each as the way to it: a service's is its runlevel and its name. */
function keysOf(field: TracedField, value: unknown): (readonly string[])[] {
  const decided = Object.entries((value ?? {}) as Keys).filter(([, value]) => value !== null);
  if (field !== "services") return decided.map(([key]) => [key]);
  return decided.flatMap(([level, names]) =>
    Object.entries(names as Keys).flatMap(([name, value]) => (value === null ? [] : [[level, name]])),
  );
}

const nameOf = (keys: readonly string[]): string => keys.join("/");

const placeOf = ({ layer, path }: Said): string => formatPlace(layer.source.place(path, "key"));
