/** Distributes images among builders. */
import { createHash } from "node:crypto";
import type { Builder } from "../configuration/settings.ts";

/**
 * The builder for an image, from those for its architecture. As long as the list is the same, so is the choice, so that
 * an image finished there during an interrupted run is found again. Returns undefined if there is none: the image is
 * then built on this machine.
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
