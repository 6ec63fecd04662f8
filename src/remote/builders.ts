import { createHash } from "node:crypto";
import type { Builder } from "../configuration/settings.ts";

/**
 * The builder of an image, of those that build its architecture: always the same one as long as these are, so that
 * what was finished there by a run that ended early is found again. undefined where there is none: it is built here.
 */
export function builderOf(
  variant: { arch: string; imageKey: string },
  builders: readonly Builder[],
): Builder | undefined {
  const candidates = builders.filter(({ arch }) => arch === variant.arch);
  if (candidates.length === 0) return undefined;
  const digest = createHash("sha256").update(variant.imageKey).digest();
  return candidates[digest.readUInt32BE(0) % candidates.length];
}
