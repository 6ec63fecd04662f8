import * as pulumi from "@pulumi/pulumi";
import { tags } from "../src/configuration/tags.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { defined } from "../src/lib/defined.ts";
import type { ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageResult } from "../src/steps/disk-image.ts";
import type { MetadataInput, MetadataResult } from "../src/steps/metadata.ts";
import type { CloudImage, RegionalImage } from "../clouds/cloud.ts";
import { bestEffortSuffix } from "../src/configuration/regions.ts";
import { StepCommand } from "./step-command.ts";

/** Arguments of {@link Metadata}. */
export interface MetadataArgs {
  variant: Variant;
  mirrorName: string;
  disk: pulumi.Input<DiskImageResult | undefined>;
  artifact: pulumi.Input<ArtifactResult | undefined>;
  /** The image in its cloud, from stage import on. */
  cloudImage: CloudImage | undefined;
  isReleased: boolean;
}

/**
 * The image's YAML in storage, with its `.sha512`. It is written last, from the outputs of what it describes. It is
 * updated in place, and nothing that can be replaced depends on it.
 */
export class Metadata extends pulumi.ComponentResource {
  constructor(name: string, args: MetadataArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:Metadata", name, {}, opts);
    const published = args.cloudImage?.published ?? [];
    const required = published.filter(({ bestEffort }) => !bestEffort);
    const first = this.#command(`${name}-metadata`, args, required);
    if (required.length < published.length) {
      // The same file again, with best-effort regions: if one of these fails, the file without them exists. This
      // command owns nothing, so it may be deleted with the last best-effort region.
      const addsTo = first.result<MetadataResult>();
      this.#command(`${name}-metadata${bestEffortSuffix}`, args, published, {
        addsTo,
        options: { protect: false },
      });
    }
    this.registerOutputs({});
  }

  #command(
    name: string,
    { variant, mirrorName, cloudImage, isReleased, ...args }: MetadataArgs,
    published: readonly RegionalImage[],
    {
      addsTo,
      options = {},
    }: {
      addsTo?: pulumi.Output<MetadataResult | undefined>;
      options?: pulumi.CustomResourceOptions;
    } = {},
  ): StepCommand {
    const artifacts = pulumi.output(
      Object.fromEntries(published.map(({ region, imageId }) => [region, imageId])),
    );
    const cloud =
      cloudImage &&
      pulumi.output({
        importRegion: cloudImage.imported.region,
        importId: cloudImage.imported.imageId,
        artifacts,
        published: cloudImage.publishedSince,
        isReleased,
      });
    const input = pulumi
      .all([args.disk, args.artifact, cloud, addsTo])
      .apply(([disk, artifact, cloud, addsTo]): MetadataInput => ({
        tags: tags(variant),
        mirror: mirrorName,
        disk,
        artifact,
        ...defined({ cloud, addsTo }),
      }));
    const folder = pulumi.output(args.artifact).apply((artifact) => artifact?.folder ?? "unknown");
    return new StepCommand(
      name,
      // Never frozen: a changed description or end of life must reach the file.
      { step: "metadata", input, replaceOn: [folder], frozen: false },
      // Everything that the file lists must exist and be shared first.
      { parent: this, dependsOn: published.flatMap(({ ready }) => [...ready]), ...options },
    );
  }
}
