import * as pulumi from "@pulumi/pulumi";
import type { Builder } from "../src/configuration/settings.ts";
import { withoutOrigins } from "../src/configuration/origins.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { defined } from "../src/lib/defined.ts";
import { builderOf } from "../src/remote/builders.ts";
import type { DiskImageInput, DiskImageResult } from "../src/steps/disk-image.ts";
import { preflightHooks } from "./preflight-hook.ts";
import { StepCommand } from "./step-command.ts";

/** Arguments of a {@link DiskImage}. */
export interface DiskImageArgs {
  variant: Variant;
  /** Digest of everything that decides the image's bytes: see src/builder/inputs.ts. */
  inputsDigest: string;
  /** Where and how to build; none of it changes the bytes beyond what the digest covers. */
  build: DiskImageInput["build"];
  /** Other machines that build images: one of those for the variant's architecture, if any, builds it. */
  builders: readonly Builder[];
  /** Whether an image that was built from other inputs stays as it is. */
  frozen: boolean;
  /** Asks, before a build of minutes, whether its image can be published at all. */
  preflight?: pulumi.ResourceHook | undefined;
}

/**
 * A variant's disk, built by QEMU from signed packages, boot-tested, and kept under `work/images/`. It takes minutes;
 * deleting it removes the local files.
 */
export class DiskImage extends pulumi.ComponentResource {
  /** What was built. Undefined where it is not known: under `--target`, or at a preview before the first build. */
  readonly result: pulumi.Output<DiskImageResult | undefined>;

  constructor(name: string, args: DiskImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:DiskImage", name, {}, opts);
    const builder = builderOf(args.variant, args.builders);
    const input: DiskImageInput = {
      // Only a frozen command's input never changes. The others look origins up when they run.
      variant: args.frozen ? args.variant : withoutOrigins(args.variant),
      inputsDigest: args.inputsDigest,
      build: args.build,
      ...defined({ builder }),
    };
    const build = new StepCommand(
      `${name}-disk`,
      { step: "disk-image", input, replaceOn: [args.inputsDigest], frozen: args.frozen },
      {
        parent: this,
        // The step has a deadline of its own, from when it has a slot; this is for a step that is lost altogether.
        customTimeouts: { create: "12h", update: "12h" },
        ...preflightHooks(args.preflight),
      },
    );
    if (args.frozen) {
      build.warnIfStale(
        args.inputsDigest,
        `${name} was built from other inputs than today's; revise it to publish them anew`,
      );
    }
    this.result = build.result<DiskImageResult>();
    this.registerOutputs({ result: this.result });
  }
}
