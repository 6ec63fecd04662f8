import * as pulumi from "@pulumi/pulumi";
import type { ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageResult } from "../src/steps/disk-image.ts";
import type { SignaturesInput } from "../src/steps/signatures.ts";
import { StepCommand } from "./step-command.ts";

/** Arguments of {@link Signatures}. */
export interface SignaturesArgs {
  disk: pulumi.Input<DiskImageResult | undefined>;
  artifact: pulumi.Input<ArtifactResult | undefined>;
  /** Signs `{file}` into `{file}.asc`. */
  command: string;
  frozen: boolean;
}

/**
 * Signatures of an image in storage, of its bill of materials and of its provenance: `NAME.asc` beside each. Files are
 * signed again when they are stored again, but not if only the command changes. Deleting it removes the signatures.
 */
export class Signatures extends pulumi.ComponentResource {
  constructor(
    name: string,
    { command, frozen, ...args }: SignaturesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("alpine:index:Signatures", name, {}, opts);
    const input = pulumi
      .all([args.disk, args.artifact])
      .apply(([disk, artifact]): SignaturesInput => ({ disk, artifact, command }));
    const stored = pulumi.output(args.artifact).apply((artifact) => artifact?.token ?? "unknown");
    new StepCommand(
      `${name}-signatures`,
      { step: "signatures", input, replaceOn: [stored], frozen },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
