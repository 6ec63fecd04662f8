/** Which layer asks for a part of an image, for messages about what a build could not do. */
import type { Configuration, Layer } from "./load.ts";
import { mergeLayers } from "./merge.ts";
import { formatPlace, type Path } from "./source.ts";
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

/**
 * The variant with the layers' files alone for places. Lines move with every comment that somebody writes into a layer; in a
 * tracked command's input each such move would update the command, and show all that follows from it as replaced.
 */
export function withoutLines(variant: Variant): Variant {
  const { origins } = variant;
  if (origins === undefined) return variant;
  const { packages, services, kernelModules, initfsFeatures } = origins;
  const levels = Object.entries(services).map(([level, places]) => [level, filesAlone(places)] as const);
  return {
    ...variant,
    origins: {
      packages: filesAlone(packages),
      services: Object.fromEntries(levels),
      kernelModules: filesAlone(kernelModules),
      initfsFeatures: filesAlone(initfsFeatures),
    },
  };
}

const filesAlone = (places: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(places).map(([name, place]) => [name, place.replace(/:\d+:\d+$/, "")]));

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
