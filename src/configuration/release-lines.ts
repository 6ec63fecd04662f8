/** Pointers to the newest image of a line: what is alike but for release and revision. */
import { type DeclaredImage, hasReached, isLeaving, type Stage } from "./variant.ts";

/** A line, and the image that it points to in each region. */
export interface ReleaseLine {
  /** The line's name: `3.23-x86_64-uefi-tiny-aws`. */
  key: string;
  /** Its dimensions but for the cloud, in their order: `3.23/x86_64/uefi/tiny`. */
  path: string;
  /** Region to the image; a line without released images is none. */
  targets: ReadonlyMap<string, DeclaredImage>;
}

/**
 * The lines of a stack's images. In each region a line points to the newest image that is released there; to one that is
 * retired only where all are, and to one that is about to be withdrawn or removed only where nothing else is left.
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
    // The last one wins. Sorting keeps the ledger's order among equals.
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

/** Images of a higher preference are pointed to before newer ones of a lower. */
function preference({ state }: DeclaredImage): number {
  if (isLeaving(state)) return 0;
  return state.retired === undefined ? 2 : 1;
}
