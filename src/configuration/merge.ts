/** Merges layers into one record: maps and lists are combined, other values are replaced, null resets. */
import type { Layer } from "./load.ts";
import { matches } from "./schema.ts";
import { ConfigError, problemAt, valueName, type Path } from "./source.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** What one layer did to one field. */
export interface Step {
  layer: Layer;
  path: Path;
  field: string;
  does: "sets" | "adds" | "replaces" | "resets";
  value: unknown;
}

/** Keys of a layer that are not fields of the image. */
const directives = new Set(["title", "reset", "exclude", "when", "match"]);

/** Merges the fields of an image with these dimensions. Calls `trace` for every step. */
export function mergeLayers(
  layers: readonly Layer[],
  dimensions: Readonly<Record<string, string>>,
  trace?: (step: Step) => void,
): Fields {
  const merged: Record<string, unknown> = {};
  const apply = (layer: Layer, data: Readonly<Record<string, unknown>>, at: Path) => {
    for (const [i, field] of ((data.reset ?? []) as string[]).entries()) {
      delete merged[field];
      trace?.({ layer, path: [...at, "reset", i], field, does: "resets", value: null });
    }
    for (const field in data) {
      const value = data[field];
      if (value === undefined || directives.has(field)) continue;
      const path = [...at, field];
      const before = merged[field];
      merged[field] = mergeValue(before, value, (message, inside) => {
        throw new ConfigError([problemAt(layer.source, "layers-contradict", [...path, ...inside], message)]);
      });
      trace?.({ layer, path, field, does: effect(before, value), value });
    }
  };
  for (const layer of layers) {
    apply(layer, layer.data, []);
    for (const [i, rule] of (layer.data.when ?? []).entries()) {
      if (matches(rule.match, dimensions)) apply(layer, rule, ["when", i]);
    }
  }
  return merged;
}

const isMap = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const effect = (before: unknown, value: unknown): Step["does"] => {
  if (value === null) return "resets";
  if (before === undefined || before === null) return "sets";
  return (isMap(before) && isMap(value)) || (Array.isArray(before) && Array.isArray(value))
    ? "adds"
    : "replaces";
};

/**
 * Returns a new value and changes neither argument. A key keeps its original position, even if it is set to null.
 * A map merges only with a map: a list or a text in its place means that two layers contradict each other.
 */
export function mergeValue(
  before: unknown,
  value: unknown,
  contradict: (message: string, path: Path) => never,
  path: Path = [],
): unknown {
  if (before === undefined || before === null || value === null) return value;
  if (Array.isArray(before) && Array.isArray(value))
    return [...(before as unknown[]), ...(value as unknown[])];
  if (isMap(before) !== isMap(value)) {
    contradict(
      `cannot merge ${valueName(value)} into ${valueName(before)} of an earlier layer; reset it first`,
      path,
    );
  }
  if (!isMap(before) || !isMap(value)) return value;
  const result: Record<string, unknown> = { ...before };
  for (const key in value) result[key] = mergeValue(result[key], value[key], contradict, [...path, key]);
  return result;
}
