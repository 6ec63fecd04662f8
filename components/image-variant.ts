import * as pulumi from "@pulumi/pulumi";
import type { CloudComponents, CloudImage, PublicAccess } from "../clouds/cloud.ts";
import type { Builder, StackSettings } from "../src/configuration/settings.ts";
import {
  type DeclaredImage,
  hasReached,
  isAtLeast,
  isLeaving,
  type Stage,
} from "../src/configuration/variant.ts";
import { defined } from "../src/lib/defined.ts";
import type { ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageInput, DiskImageResult } from "../src/steps/disk-image.ts";
import { Artifact } from "./artifact.ts";
import { DiskImage } from "./disk-image.ts";
import { Metadata } from "./metadata.ts";
import { Signatures } from "./signatures.ts";

/** Arguments of an {@link ImageVariant}. */
export interface ImageVariantArgs {
  /** The image, and what the ledger says about it. */
  image: DeclaredImage;
  /** How far the image is brought: the lower of its entry's stage and the stack's ceiling. */
  stage: Stage;
  /** If true, what was built stays, even if its inputs have changed. */
  frozen: boolean;
  /** If true, the image and all its resources are protected from deletion. */
  protect: boolean;
  /** Signs `{file}` into `{file}.asc`. @default nothing is signed */
  signingCommand?: string | undefined;
  /** Builders, if any. */
  builders: readonly Builder[];
  /** The mirror's logical name. */
  mirrorName: string;
  /** Digest of the image's inputs, which the program computes from files. */
  inputsDigest: string;
  /** Where and how to build. */
  build: DiskImageInput["build"];
  /** The image's cloud, if the image is imported into it at its stage. @default the image is only stored */
  cloud?: ImportingCloud | undefined;
}

/** A cloud that images are imported into, and what the stack's images share there. */
export interface ImportingCloud {
  components: CloudComponents;
  /** The stack's settings of this cloud. */
  settings: unknown;
  publicAccess: PublicAccess;
  /** Checks the account before anything is built for it. @default nothing is checked */
  preflight?: pulumi.ResourceHook | undefined;
}

/**
 * An image in the stack's outputs. What is unknown, or does not exist at its stage, is left out. Each value is a
 * separate output: an aggregate would be unknown as a whole if one region failed.
 */
export interface ImageOutputs {
  stage: Stage;
  /** Where the image is: in storage, or below stage `upload`, on the machine that built it. */
  image: pulumi.Output<string | undefined>;
  sha512: pulumi.Output<string | undefined>;
  bytes: pulumi.Output<number | undefined>;
  diskCheck: pulumi.Output<DiskImageResult["diskCheck"] | undefined>;
  bootTest: pulumi.Output<DiskImageResult["bootTest"] | undefined>;
  /** The image as imported into its cloud. */
  imported?: CloudImage["imported"];
  /** Region to the image there. */
  regions?: Record<
    string,
    { imageId: pulumi.Output<string>; regionUrl?: pulumi.Output<string>; launchUrl?: pulumi.Output<string> }
  >;
}

/**
 * One declared image, brought as far as its entry's stage and the stack's ceiling allow: built and boot-tested, stored,
 * imported, published, and described. Deleting it removes all of that. If the stack protects published images, a
 * published image cannot be deleted until the ledger lets it go.
 */
export class ImageVariant extends pulumi.ComponentResource {
  /** This image in the stack's outputs. */
  readonly outputs: ImageOutputs;
  /** The image in its cloud, from stage import on. */
  readonly cloudImage: CloudImage | undefined;

  constructor(name: string, args: ImageVariantArgs, opts?: pulumi.ComponentResourceOptions) {
    const { image, stage, frozen, inputsDigest, build, builders, mirrorName, cloud } = args;
    const { variant } = image;
    // A component's children inherit its protection.
    super("alpine:index:ImageVariant", name, {}, { ...opts, protect: args.protect });
    const preflight = cloud?.preflight;
    const inside = { parent: this };
    const { result: disk } = new DiskImage(
      name,
      { variant, inputsDigest, build, builders, frozen, preflight },
      inside,
    );
    let stored: pulumi.Output<ArtifactResult | undefined> | undefined;
    if (isAtLeast(stage, "upload")) {
      const { storageUrl } = variant;
      const { result: artifact } = new Artifact(name, { disk, storageUrl, frozen, preflight }, inside);
      stored = artifact;
      const command = args.signingCommand;
      const publishAfter =
        command === undefined ? [] : [new Signatures(name, { disk, artifact, command, frozen }, inside)];
      this.cloudImage = cloud?.components.declareImage(
        name,
        {
          image,
          stage,
          frozen,
          disk,
          artifact,
          publishAfter,
          settings: cloud.settings,
          publicAccess: cloud.publicAccess,
          preflight,
        },
        inside,
      );
      const isReleased = isAtLeast(stage, "release");
      const { cloudImage } = this;
      new Metadata(name, { variant, mirrorName, disk, artifact, cloudImage, isReleased }, inside);
    }
    this.outputs = describe(stage, disk, stored, this.cloudImage);
    // The outputs are the stack's already. Not storing them twice keeps the state small, which the engine writes at every step.
    this.registerOutputs({});
  }
}

function describe(
  stage: Stage,
  disk: pulumi.Output<DiskImageResult | undefined>,
  stored: pulumi.Output<ArtifactResult | undefined> | undefined,
  cloudImage: CloudImage | undefined,
): ImageOutputs {
  const image = stored?.apply((artifact) => artifact && `${artifact.folder}/${artifact.name}`);
  const published = cloudImage?.published ?? [];
  return {
    stage,
    image: image ?? disk.apply((disk) => disk?.file),
    sha512: disk.apply((disk) => disk?.sha512),
    bytes: disk.apply((disk) => disk?.bytes),
    diskCheck: disk.apply((disk) => disk?.diskCheck),
    bootTest: disk.apply((disk) => disk?.bootTest),
    ...defined({ imported: cloudImage?.imported }),
    ...(published.length === 0
      ? {}
      : {
          regions: Object.fromEntries(
            published.map(({ region, imageId, regionUrl, launchUrl }) => [
              region,
              {
                imageId,
                ...defined({ regionUrl, launchUrl }),
              },
            ]),
          ),
        }),
  };
}

/** Whether an image is protected: it is published, its stack protects that, and the ledger does not let it go. */
export function isProtected(
  { state }: DeclaredImage,
  settings: Pick<StackSettings, "stage" | "protectPublished">,
): boolean {
  const isPublished = hasReached(state, settings.stage, "publish");
  return settings.protectPublished && isPublished && !isLeaving(state);
}
