import * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../configs/settings.ts";
import { type Declared, type Stage, stages } from "../configs/variant.ts";
import type { DiskImageInput, DiskImageResult } from "../scripts/steps/disk-image.ts";
import type { ArtifactResult } from "../scripts/steps/artifact.ts";
import { Artifact } from "./artifact.ts";
import { DiskImage } from "./disk-image.ts";
import { Metadata } from "./metadata.ts";

/** Arguments of an {@link ImageVariant}. */
export interface ImageVariantArgs {
  /** The image and what the ledger says of it. */
  image: Declared;
  settings: StackSettings;
  /** Digest of the image's inputs, computed from files by the program. */
  inputsDigest: string;
  build: DiskImageInput["build"];
}

/** An image in the stack's outputs. */
export interface ImageOutputs {
  stage: Stage;
  /** Where the image is: in storage, or below stage `upload` on the machine that built it. */
  image?: string;
  sha512?: string;
  bytes?: number;
  diskCheck?: DiskImageResult["diskCheck"];
  bootTest?: DiskImageResult["bootTest"];
}

/**
 * One image that should exist, brought as far as its entry's stage and the stack's ceiling allow: built and
 * boot-tested, stored, and described. Deleting it removes all of that.
 */
export class ImageVariant extends pulumi.ComponentResource {
  /** What the stack says of this image. What is not known, or not there at its stage, is left out. */
  readonly outputs: pulumi.Output<ImageOutputs>;

  constructor(name: string, args: ImageVariantArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:ImageVariant", name, {}, opts);
    const { variant, state } = args.image;
    const stage = reachedStage(state.stage, args.settings.stage);
    const frozen = args.settings.rebuild === "never";
    const problem = stageProblem(args.image, stage, args.settings.mirror.name);
    if (problem !== undefined) throw new pulumi.InputPropertyError(problem);

    const disk = new DiskImage(
      name,
      {
        variant,
        inputsDigest: args.inputsDigest,
        build: args.build,
        builders: args.settings.builders,
        frozen,
      },
      { parent: this },
    );
    let stored: pulumi.Input<ArtifactResult | undefined>;
    if (isAtLeast(stage, "upload")) {
      const artifact = new Artifact(
        name,
        { disk: disk.result, storageUrl: variant.storageUrl, frozen },
        { parent: this },
      );
      stored = artifact.result;
      new Metadata(
        name,
        { variant, mirrorName: args.settings.mirror.name, disk: disk.result, artifact: artifact.result },
        { parent: this },
      );
    }
    this.outputs = pulumi
      .all([disk.result, stored])
      .apply(([disk, artifact]) => describe(stage, disk, artifact));
    this.registerOutputs({ outputs: this.outputs });
  }
}

function describe(
  stage: Stage,
  disk: DiskImageResult | undefined,
  artifact: ArtifactResult | undefined,
): ImageOutputs {
  if (disk === undefined) return { stage };
  return {
    stage,
    image: artifact === undefined ? disk.file : `${artifact.folder}/${artifact.name}`,
    sha512: disk.sha512,
    bytes: disk.bytes,
    ...(disk.diskCheck === undefined ? {} : { diskCheck: disk.diskCheck }),
    bootTest: disk.bootTest,
  };
}

/** Why an image cannot be brought that far, if so; said before anything is built. */
export function stageProblem(
  { key, variant }: Declared,
  stage: Stage,
  mirrorName: string,
): { propertyPath: string; reason: string } | undefined {
  if (!isAtLeast(stage, "upload")) return undefined;
  if (!variant.storageUrl.startsWith("file://")) {
    const reason =
      mirrorName === "offline"
        ? `images from the offline kit may only be stored in folders, and ${key} would go to ${variant.storageUrl}`
        : `${key} would be stored at ${variant.storageUrl}, and only folders (file://) are supported so far`;
    return { propertyPath: "storageUrl", reason: `${reason}: set the stack's alpine:storageUrl to one` };
  }
  if (isAtLeast(stage, "import") && variant.cloud !== "nocloud") {
    const reason = `${key} cannot be brought to ${stage}: importing into ${variant.cloud} is not supported so far`;
    return { propertyPath: "stage", reason: `${reason}; keep the stack's alpine:stage at upload` };
  }
  return undefined;
}

/** The lower of an entry's stage and its stack's ceiling. */
export function reachedStage(entry: Stage, ceiling: Stage): Stage {
  return stages[Math.min(stages.indexOf(entry), stages.indexOf(ceiling))]!;
}

/** Whether `stage` comes at or after `wanted`. */
export function isAtLeast(stage: Stage, wanted: Stage): boolean {
  return stages.indexOf(stage) >= stages.indexOf(wanted);
}
