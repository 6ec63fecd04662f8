/** Which layer asks for a part of an image, for messages about what a build could not do. */
import type { Configuration } from "./load.ts";
import { explain } from "./resolve.ts";
import { formatPlace, type Path } from "./source.ts";

/**
 * The place of the layer that last said something about one key of a field, as `configs/version.yaml:32:3`; undefined
 * where none did, as for an image of another checkout.
 * @param path the field, and the way to the key in it: `["services", "default", "sshd"]`
 */
export function askedBy(
  config: Configuration,
  image: Readonly<Record<string, string>>,
  [field, ...keys]: readonly [string, ...string[]],
): string | undefined {
  const steps = explain(config, image, field).filter((step) => has(step.value, keys));
  const last = steps.at(-1);
  return last && formatPlace(last.layer.source.place([...last.path, ...keys] satisfies Path, "key"));
}

function has(value: unknown, keys: readonly string[]): boolean {
  const [key, ...rest] = keys;
  if (key === undefined) return true;
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? has((value as Record<string, unknown>)[key], rest)
    : false;
}
