import * as pulumi from "@pulumi/pulumi";
import { awsProblem } from "../clouds/aws/rules.ts";
import type { StackSettings } from "../src/configuration/settings.ts";
import { signingCommandOf } from "../src/configuration/signing.ts";
import {
  type DeclaredImage,
  hasReached,
  isAtLeast,
  isLeaving,
  reachedStage,
  type Stage,
} from "../src/configuration/variant.ts";
import { defined } from "../src/lib/defined.ts";
import type { ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageInput, DiskImageResult } from "../src/steps/disk-image.ts";
import { Artifact } from "./artifact.ts";
import { AwsImage } from "../clouds/aws/image.ts";
import type { CloudImage, CloudImageArgs, PublicAccess } from "../clouds/cloud.ts";
import { DiskImage } from "./disk-image.ts";
import { Metadata } from "./metadata.ts";
import { Signatures } from "./signatures.ts";

/** Arguments of an {@link ImageVariant}. */
export interface ImageVariantArgs {
  /** The image and what the ledger says of it. */
  image: DeclaredImage;
  settings: StackSettings;
  /** Digest of the image's inputs, computed from files by the program. */
  inputsDigest: string;
  build: DiskImageInput["build"];
  /** What must be there before anything is made public. @default nothing */
  publicAccess?: PublicAccess;
  /** Looks whether the cloud's account is ready. @default nobody looks */
  preflight?: pulumi.ResourceHook | undefined;
}

/**
 * An image in the stack's outputs. What is not known, or not there at its stage, is left out. Each is an output of its own:
 * an aggregate would be unknown as a whole where one region fails.
 */
export interface ImageOutputs {
  stage: Stage;
  /** Where the image is: in storage, or below stage `upload` on the machine that built it. */
  image: pulumi.Output<string | undefined>;
  sha512: pulumi.Output<string | undefined>;
  bytes: pulumi.Output<number | undefined>;
  diskCheck: pulumi.Output<DiskImageResult["diskCheck"] | undefined>;
  bootTest: pulumi.Output<DiskImageResult["bootTest"] | undefined>;
  /** The image that was imported into its cloud. */
  imported?: CloudImage["imported"];
  /** Region to the image there. */
  regions?: Record<
    string,
    { imageId: pulumi.Output<string>; regionUrl?: pulumi.Output<string>; launchUrl?: pulumi.Output<string> }
  >;
}

/** Clouds that images are imported into. The others have their images' files, and that is that. */
const clouds: Record<
  string,
  new (name: string, args: CloudImageArgs, opts: pulumi.ComponentResourceOptions) => CloudImage
> = { aws: AwsImage };

/**
 * One image that should exist, brought as far as its entry's stage and the stack's ceiling allow: built and
 * boot-tested, stored, imported, published, and described. Deleting it removes all of that; once it is published, it is
 * protected from that where the stack protects what is published, until the ledger says that it may go.
 */
export class ImageVariant extends pulumi.ComponentResource {
  /** What the stack says of this image. */
  readonly outputs: ImageOutputs;
  /** The image in its cloud, from stage import on. */
  readonly cloudImage: CloudImage | undefined;

  constructor(name: string, args: ImageVariantArgs, opts?: pulumi.ComponentResourceOptions) {
    const { settings } = args;
    const { variant, state } = args.image;
    const stage = reachedStage(state.stage, settings.stage);
    // The parts of a component have its protection.
    super("alpine:index:ImageVariant", name, {}, { ...opts, protect: isProtected(args.image, settings) });
    const frozen = settings.rebuild === "never";
    const problem = stageProblem(args.image, stage, settings);
    if (problem !== undefined) throw new pulumi.InputPropertyError(problem);

    const { image, publicAccess = {} } = args;
    const Cloud = isAtLeast(stage, "import") ? clouds[variant.cloud] : undefined;
    const preflight = Cloud === undefined ? undefined : args.preflight;

    const { result: disk } = new DiskImage(
      name,
      {
        variant,
        inputsDigest: args.inputsDigest,
        build: args.build,
        builders: settings.builders,
        frozen,
        preflight,
      },
      { parent: this },
    );
    let stored: pulumi.Output<ArtifactResult | undefined> | undefined;
    if (isAtLeast(stage, "upload")) {
      const { result: artifact } = new Artifact(
        name,
        { disk, storageUrl: variant.storageUrl, frozen, preflight },
        { parent: this },
      );
      stored = artifact;
      const command = signingCommandOf(variant, stage, settings);
      const before =
        command === undefined
          ? []
          : [new Signatures(name, { disk, artifact, command, frozen }, { parent: this })];
      this.cloudImage =
        Cloud &&
        new Cloud(
          name,
          { image, stage, settings, disk, artifact, publishAfter: before, publicAccess, preflight },
          { parent: this },
        );
      new Metadata(
        name,
        {
          variant,
          mirrorName: settings.mirror.name,
          disk,
          artifact,
          cloudImage: this.cloudImage,
          isReleased: isAtLeast(stage, "release"),
        },
        { parent: this },
      );
    }
    this.outputs = describe(stage, disk, stored, this.cloudImage);
    // They are outputs of the stack: once in the state is enough, for the engine writes it at every step.
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
    ...(cloudImage === undefined ? {} : { imported: cloudImage.imported }),
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

/** Whether an image may not be deleted: it is published, its stack protects that, and the ledger does not let it go. */
export function isProtected(
  { state }: DeclaredImage,
  settings: Pick<StackSettings, "stage" | "protectPublished">,
): boolean {
  const isPublished = hasReached(state, settings.stage, "publish");
  return settings.protectPublished && isPublished && !isLeaving(state);
}

/** Why an image cannot be brought that far, if so; said before anything is built. */
export function stageProblem(
  image: DeclaredImage,
  stage: Stage,
  settings: StackSettings,
): { propertyPath: string; reason: string } | undefined {
  const { key, variant } = image;
  if (!isAtLeast(stage, "upload")) return undefined;
  if (!variant.storageUrl.startsWith("file://")) {
    const reason =
      settings.mirror.name === "offline"
        ? `images from the offline kit may only be stored in folders, and ${key} would go to ${variant.storageUrl}`
        : `${key} would be stored at ${variant.storageUrl}, and only folders (file://) are supported so far`;
    return { propertyPath: "storageUrl", reason: `${reason}: set the stack's alpine:storageUrl to one` };
  }
  if (!isAtLeast(stage, "import") || variant.cloud === "nocloud") return undefined;
  if (variant.cloud === "aws") return awsProblem(image, stage, settings);
  const reason = `${key} cannot be brought to ${stage}: importing into ${variant.cloud} is not supported so far`;
  return { propertyPath: "stage", reason: `${reason}; keep the stack's alpine:stage at upload` };
}
