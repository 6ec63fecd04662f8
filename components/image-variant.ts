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

/**
 * One image that should exist, brought as far as its entry's stage and the stack's ceiling allow: built and
 * boot-tested, stored, and described. Deleting it removes all of that.
 */
export class ImageVariant extends pulumi.ComponentResource {
  /** `qcow2` file under work/images, its digests and the boot test's result. */
  readonly disk: pulumi.Output<DiskImageResult | undefined>;
  /** Place in storage; undefined below stage `upload`. */
  readonly artifact: pulumi.Output<ArtifactResult | undefined>;

  constructor(name: string, args: ImageVariantArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:ImageVariant", name, {}, opts);
    const { variant, state } = args.image;
    const stage = reachedStage(state.stage, args.settings.stage);
    const frozen = args.settings.rebuild === "never";

    const disk = new DiskImage(
      name,
      { variant, inputsDigest: args.inputsDigest, build: args.build, frozen },
      { parent: this },
    );
    this.disk = disk.result;
    this.artifact = pulumi.output(undefined);

    if (isAtLeast(stage, "upload")) {
      const artifact = new Artifact(
        name,
        { disk: disk.result, storageUrl: variant.storageUrl, frozen },
        { parent: this },
      );
      this.artifact = artifact.result;
      new Metadata(
        name,
        { variant, mirrorName: args.settings.mirror.name, disk: disk.result, artifact: artifact.result },
        { parent: this },
      );
    }
    this.registerOutputs({ disk: this.disk, artifact: this.artifact });
  }
}

/** The lower of an entry's stage and its stack's ceiling. */
export function reachedStage(entry: Stage, ceiling: Stage): Stage {
  return stages[Math.min(stages.indexOf(entry), stages.indexOf(ceiling))]!;
}

/** Whether `stage` comes at or after `wanted`. */
export function isAtLeast(stage: Stage, wanted: Stage): boolean {
  return stages.indexOf(stage) >= stages.indexOf(wanted);
}
