/** How a cloud reads the progress of images from a stack's state. The folders in `clouds/` implement it. */
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

/** The resources of a cloud's images and lines in a stack's state. Pure. */
export interface CloudProgress {
  /** Pulumi types of the cloud's resources that images and lines have, besides commands. */
  readonly resourceTypes: readonly string[];
  /** Pulumi types of a line's component, the current one first. @default lines have no channel in this cloud */
  readonly channelTypes?: readonly string[];
  /**
   * `TYPE NAME` of each resource that a finished image has in the cloud.
   * @param stage import or later
   */
  imageResources(image: DeclaredImage, stage: Stage, settings: StackSettings): string[];
  /** `TYPE NAME` of each resource that a finished line has. */
  lineResources?: (line: ReleaseLine) => string[];
  /** Whether the imported image is in the state. */
  isImported(key: string, state: StateIndex): boolean;
  /** The id of an image in a region; undefined if it is not in the state. */
  imageId(key: string, region: string, state: StateIndex): string | undefined;
  /**
   * The parts of the image in each region, in the order in which they are made.
   * @param published the regions where the image is published; none below stage publish
   */
  regionalParts: (
    image: DeclaredImage,
    published: readonly PublishedRegion[],
    settings: StackSettings,
    state: StateIndex,
  ) => RegionalPart[];
  /** Whether the line's channel names the image in a region, and this was read back. */
  isPointedTo?(line: ReleaseLine, key: string, region: string, state: StateIndex): boolean;
}

/** A cloud, as `npm run status` sees it. */
export interface StatusCloud {
  readonly name: string;
  readonly publishing?: { readonly progress: CloudProgress };
}
