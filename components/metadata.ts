import * as pulumi from "@pulumi/pulumi";
import type { Variant } from "../configs/variant.ts";
import type { ArtifactResult } from "../scripts/steps/artifact.ts";
import type { DiskImageResult } from "../scripts/steps/disk-image.ts";
import type { MetadataInput } from "../scripts/steps/metadata.ts";
import { StepCommand } from "./step-command.ts";

/** Arguments of {@link Metadata}. */
export interface MetadataArgs {
  variant: Variant;
  mirrorName: string;
  disk: pulumi.Input<DiskImageResult | undefined>;
  artifact: pulumi.Input<ArtifactResult | undefined>;
}

/**
 * The image's YAML in storage, with its `.sha512`: last of all, from the outputs of what it describes. It is updated
 * in place, and nothing that can be replaced depends on it.
 */
export class Metadata extends pulumi.ComponentResource {
  constructor(name: string, args: MetadataArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:Metadata", name, {}, opts);
    const input = pulumi.all([args.disk, args.artifact]).apply(([disk, artifact]): MetadataInput => ({
      tags: tags(args.variant),
      mirror: args.mirrorName,
      disk,
      artifact,
    }));
    const folder = pulumi.output(args.artifact).apply((artifact) => artifact?.folder ?? "unknown");
    new StepCommand(
      `${name}-metadata`,
      // Never frozen: a changed description or end of life is written over the old one.
      { step: "metadata", input, replaceOn: [folder], frozen: false },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** What the original's metadata says of every image, by its keys: other people's tools read them. */
export function tags(variant: Variant): Record<string, string | number> {
  return {
    arch: variant.arch,
    bootstrap: variant.bootstrap,
    cloud: variant.cloud,
    description: variant.description,
    end_of_life: variant.endOfLife,
    firmware: variant.firmware,
    image_key: variant.imageKey,
    // The file's name has the cloud in front, for all clouds' files lie together; the image's has not.
    name: variant.name.replace(`${variant.cloud}_`, ""),
    project: variant.project,
    release: variant.release,
    revision: variant.revision,
    version: variant.version,
  };
}
