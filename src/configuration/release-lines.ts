/** Release lines: images that differ only in release and revision, and which of them is the newest. */
import { type DeclaredImage, hasReached, isLeaving, type Stage } from "./variant.ts";

/** A release line, and the image that it points to in each region. */
export interface ReleaseLine {
  /** The line's name: `3.23-x86_64-uefi-tiny-aws`. */
  key: string;
  /** Its dimensions without the cloud, in their order: `3.23/x86_64/uefi/tiny`. */
  path: string;
  /** Region to image. A line has at least one released image. */
  targets: ReadonlyMap<string, DeclaredImage>;
}

/**
 * The release lines of a stack's images. In each region, a line points to the newest image that is released there. It points to
 * a retired image only if all are retired, and to one being withdrawn or removed only if nothing else is left.
 * @param images in the ledger's order: later entries of a version are newer
 */
export function releaseLines(images: readonly DeclaredImage[], ceiling: Stage): ReleaseLine[] {
  const lines = new Map<string, DeclaredImage[]>();
  for (const image of images) {
    const { state, variant } = image;
    if (!hasReached(state, ceiling, "release")) continue;
    lines.set(variant.configKey, [...(lines.get(variant.configKey) ?? []), image]);
  }
  return [...lines].map(([key, released]) => {
    const targets = new Map<string, DeclaredImage>();
    // The last image wins. The sort is stable, so equals stay in the ledger's order.
    for (const image of released.toSorted((a, b) => preference(a) - preference(b))) {
      for (const { name } of image.regions) targets.set(name, image);
    }
    const { dimensions } = released[0]!.variant;
    const path = Object.entries(dimensions)
      .filter(([dimension]) => dimension !== "cloud")
      .map(([, value]) => value);
    return { key, path: path.join("/"), targets };
  });
}

/** A higher preference wins over a newer image. */
function preference({ state }: DeclaredImage): number {
  if (isLeaving(state)) return 0;
  return state.retired === undefined ? 2 : 1;
}
