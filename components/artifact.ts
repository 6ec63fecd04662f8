import * as pulumi from "@pulumi/pulumi";
import type { ArtifactInput, ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageResult } from "../src/steps/disk-image.ts";
import { preflightHooks } from "./preflight-hook.ts";
import { StepCommand } from "./step-command.ts";

/** Arguments of an {@link Artifact}. */
export interface ArtifactArgs {
  /** The disk to store. */
  disk: pulumi.Input<DiskImageResult | undefined>;
  /** Folder to store it in: `file:///srv/images`, or `file://work/storage` below the project. */
  storageUrl: string;
  frozen: boolean;
  /** Checks, before anything is stored, that the image can be published. */
  preflight?: pulumi.ResourceHook | undefined;
}

/**
 * An image in storage, with its bill of materials, its provenance, and the `.sha512` of each. Deleting it removes all
 * files that are still the ones it stored.
 */
export class Artifact extends pulumi.ComponentResource {
  /** Where the image is stored. Undefined if that is not known yet. */
  readonly result: pulumi.Output<ArtifactResult | undefined>;

  constructor(name: string, args: ArtifactArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:Artifact", name, {}, opts);
    const disk = pulumi.output(args.disk);
    const input = disk.apply((disk): ArtifactInput => ({ storageUrl: args.storageUrl, disk }));
    const store = new StepCommand(
      `${name}-artifact`,
      {
        step: "artifact",
        input,
        replaceOn: [disk.apply((disk) => disk?.token ?? "unknown"), args.storageUrl],
        frozen: args.frozen,
      },
      { parent: this, ...preflightHooks(args.preflight) },
    );
    this.result = store.result<ArtifactResult>();
    this.registerOutputs({ result: this.result });
  }
}
