/** What the components of all clouds have in common. */
import type * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../src/configuration/settings.ts";
import type { DeclaredImage, Stage } from "../src/configuration/variant.ts";
import type { ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageResult } from "../src/steps/disk-image.ts";

/** Arguments of a cloud's image. */
export interface CloudImageArgs {
  image: DeclaredImage;
  /** How far it is brought: import or further. */
  stage: Stage;
  settings: StackSettings;
  /** The built disk, and where it is stored. Undefined under `--target` alone. */
  disk: pulumi.Input<DiskImageResult | undefined>;
  artifact: pulumi.Input<ArtifactResult | undefined>;
  /** What must be there before anything of it is published. */
  publishAfter: readonly pulumi.Resource[];
  /** What must be there before anything is made public in a region, if anything. */
  publicAccess: PublicAccess;
  /** Looks whether the account is ready, before anything is created in it. @default nobody looks */
  preflight?: pulumi.ResourceHook | undefined;
}

/** Region to the account's settings that let its images be public. */
export type PublicAccess = Readonly<Record<string, readonly pulumi.Resource[]>>;

/** An image in a region of its cloud. */
export interface RegionalImage {
  region: string;
  bestEffort: boolean;
  /** Whether it may be deleted, however protected the others are. */
  leaving: boolean;
  imageId: pulumi.Output<string>;
  /** Where a person can look at it, and launch it. */
  regionUrl?: pulumi.Output<string>;
  launchUrl?: pulumi.Output<string>;
  /** All that has to be there before it can be pointed to: the image, and who may use it. */
  ready: readonly pulumi.Resource[];
}

/** An image in its cloud. */
export interface CloudImage extends pulumi.ComponentResource {
  /** The image that was imported, from which those of other regions are copied. */
  readonly imported: { region: string; imageId: pulumi.Output<string> };
  /** Where it is published: none below stage publish. */
  readonly published: readonly RegionalImage[];
  /** ISO 8601, UTC: when it was there in all required regions. Undefined below stage publish. */
  readonly publishedSince: pulumi.Output<string | undefined>;
}

/** Ends the name of the command that waits for regions of best effort, too, where one waits for the required ones. */
export const bestEffortSuffix = "-best-effort";

/**
 * Things by what waits for all of them: those of required regions and, where there are others, those of all regions. Where
 * a region of best effort fails, only what waits for all regions is left undone. What waits for all has nothing of its own
 * that could be lost, so it may go when there is no region of best effort any more.
 */
export function splitBestEffort<T extends { bestEffort: boolean }>(
  things: readonly T[],
): { suffix: string; things: readonly T[]; options: pulumi.CustomResourceOptions }[] {
  const required = things.filter(({ bestEffort }) => !bestEffort);
  return [
    ...(required.length > 0 ? [{ suffix: "", things: required, options: {} }] : []),
    ...(required.length < things.length
      ? [{ suffix: bestEffortSuffix, things, options: { protect: false } }]
      : []),
  ];
}
