/** Selects images by patterns: --only and --skip. */
import picomatch from "picomatch";
import { keyOf, type Variant } from "./variant.ts";

export interface Selection {
  /** Selects images that match all of these patterns. */
  only?: readonly string[];
  /** Leaves out images that match any of these patterns. */
  skip?: readonly string[];
}

type Named = Pick<Variant, "dimensions" | "configKey" | "imageKey" | "revision">;

/**
 * A pattern matches a word of the image's configuration key, which is a dimension's value: `aws`, `3.20`, `3.2*`. A pattern with
 * a dash also matches a whole key, with version or release, with or without revision: `3.20.2-*-aws`.
 */
export function matchesPattern(image: Named, pattern: string): boolean {
  const matches = globOf(pattern);
  if (Object.values(image.dimensions).some((value) => matches(value))) return true;
  if (!pattern.includes("-")) return false;
  return [image.configKey, image.imageKey, keyOf(image)].some((key) => matches(key));
}

/** `*`, `?`, `[ab]`, `[!a]` and `{a,b}` work as in a shell; `!`, `+(a)` and the like are literal. */
function globOf(pattern: string): (text: string) => boolean {
  // No name is empty, and picomatch rejects an empty pattern.
  if (pattern === "") return () => false;
  // `posix` is for `[!a]`; `dot` because words are not files, so a leading dot is not special.
  return picomatch(pattern, { posix: true, dot: true, noextglob: true, nonegate: true });
}

export function isSelected(image: Named, { only = [], skip = [] }: Selection): boolean {
  return (
    only.every((pattern) => matchesPattern(image, pattern)) &&
    !skip.some((pattern) => matchesPattern(image, pattern))
  );
}

/** Patterns that match no image, most likely because of a typo. */
export function idlePatterns(images: readonly Named[], { only = [], skip = [] }: Selection): string[] {
  return [...only, ...skip].filter((pattern) => !images.some((image) => matchesPattern(image, pattern)));
}
