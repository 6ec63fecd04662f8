/** How a cloud reads from a stack's state how far images have come. The folders in `clouds/` implement it. */
import type { PublishedRegion } from "../configuration/regions.ts";
import type { ReleaseLine } from "../configuration/release-lines.ts";
import type { StackSettings } from "../configuration/settings.ts";
import type { DeclaredImage, Stage } from "../configuration/variant.ts";
import type { StateIndex } from "../stacks/state-index.ts";

/** A part of an image that exists once per region. */
export interface RegionalPart {
  /** A column of `npm run status`. */
  what: "copies" | "snapshots" | "shared";
  regions: readonly PublishedRegion[];
  isThere: (region: string) => boolean;
}

/** What a cloud's images and lines have in a stack's state. Pure. */
export interface CloudProgress {
  /** Pulumi types of the cloud's resources that images and lines have, commands apart. */
  readonly resourceTypes: readonly string[];
  /** Pulumi types of a line's component, the one of today first. @default lines have no channel in this cloud */
  readonly channelTypes?: readonly string[];
  /**
   * `TYPE NAME` of each resource that an image has in the cloud when all is done.
   * @param stage import or later
   */
  imageResources(image: DeclaredImage, stage: Stage, settings: StackSettings): string[];
  /** `TYPE NAME` of each resource that a line has when all is done. */
  lineResources?: (line: ReleaseLine) => string[];
  /** Whether the state has the imported image. */
  isImported(key: string, state: StateIndex): boolean;
  /** The id of an image in a region; undefined if the state has none. */
  imageId(key: string, region: string, state: StateIndex): string | undefined;
  /**
   * What the image has in each region, in the order of work.
   * @param published regions in which the image is published: none below stage publish
   */
  regionalParts: (
    image: DeclaredImage,
    published: readonly PublishedRegion[],
    settings: StackSettings,
    state: StateIndex,
  ) => RegionalPart[];
  /** Whether the line's channel names the image in a region, and was read back. */
  isPointedTo?(line: ReleaseLine, key: string, region: string, state: StateIndex): boolean;
}

/** A cloud, as far as the status of its images goes. */
export interface StatusCloud {
  readonly name: string;
  readonly publishing?: { readonly progress: CloudProgress };
}
