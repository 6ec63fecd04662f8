/** Which images a command is about. */
import picomatch from "picomatch";
import { keyOf, type Variant } from "./variant.ts";

export interface Selection {
  /** Images that all of these match. */
  only?: readonly string[];
  /** But none that any of these matches. */
  skip?: readonly string[];
}

type Named = Pick<Variant, "dimensions" | "configKey" | "imageKey" | "revision">;

/**
 * A pattern matches a word of the image's configuration key, that is a dimension's value: `aws`, `3.20`, `3.2*`. One with a
 * dash also matches a whole key, with version or release, with or without its revision: `3.20.2-*-aws`.
 */
export function matchesPattern(image: Named, pattern: string): boolean {
  const matches = globOf(pattern);
  if (Object.values(image.dimensions).some((value) => matches(value))) return true;
  if (!pattern.includes("-")) return false;
  return [image.configKey, image.imageKey, keyOf(image)].some((key) => matches(key));
}

/** `*`, `?`, `[ab]`, `[!a]` and `{a,b}` as a shell has them; `!`, `+(a)` and the like are themselves. */
function globOf(pattern: string): (text: string) => boolean {
  // Nothing has no name, and picomatch takes no empty pattern.
  if (pattern === "") return () => false;
  // `posix` is for `[!a]`; words may begin with a dot like any other, for they are no files.
  return picomatch(pattern, { posix: true, dot: true, noextglob: true, nonegate: true });
}

export function isSelected(image: Named, { only = [], skip = [] }: Selection): boolean {
  return (
    only.every((pattern) => matchesPattern(image, pattern)) &&
    !skip.some((pattern) => matchesPattern(image, pattern))
  );
}

/** Patterns that no image matches: most likely mistyped. */
export function idlePatterns(images: readonly Named[], { only = [], skip = [] }: Selection): string[] {
  return [...only, ...skip].filter((pattern) => !images.some((image) => matchesPattern(image, pattern)));
}
