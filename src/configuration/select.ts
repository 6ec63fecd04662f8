/** Which images a command is about. */
import type { Variant } from "./variant.ts";

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
  const glob = toRegExp(pattern);
  if (Object.values(image.dimensions).some((value) => glob.test(value))) return true;
  if (!pattern.includes("-")) return false;
  return [image.configKey, image.imageKey, `${image.imageKey}-r${image.revision}`].some((key) =>
    glob.test(key),
  );
}

/** `*`, `?`, `[ab]`, `[!a]` and `{a,b}` as a shell has them; anything else is itself. */
function toRegExp(glob: string): RegExp {
  let source = "";
  let alternatives = 0;
  for (const [part] of glob.matchAll(/\[!?[^\]]+\]|[^]/g)) {
    if (part === "*") source += ".*";
    else if (part === "?") source += ".";
    else if (part.length > 1) source += part.replace(/^\[!/, "[^").replaceAll("\\", "\\\\");
    else if (part === "{" && glob.includes("}")) [source, alternatives] = [`${source}(?:`, alternatives + 1];
    else if (part === "}" && alternatives > 0) [source, alternatives] = [`${source})`, alternatives - 1];
    else if (part === "," && alternatives > 0) source += "|";
    else source += part.replace(/[\\^$.*+?()[\]{}|]/, "\\$&");
  }
  return new RegExp(`^${source}${")".repeat(alternatives)}$`);
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
