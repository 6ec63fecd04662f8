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
  /** Where and how to build. The digest covers whatever changes the image's bytes. */
  build: DiskImageInput["build"];
  /** Builders. If any is for the variant's architecture, one of these builds the image. */
  builders: readonly Builder[];
  /** If true, an image stays as it is even if its inputs have changed. */
  frozen: boolean;
  /** Checks, before a build that takes minutes, that the image can be published. */
  preflight?: pulumi.ResourceHook | undefined;
}

/**
 * A variant's disk, built in QEMU from signed packages, boot-tested, and kept under `work/images/`. Building takes
 * minutes. Deleting it removes the local files.
 */
export class DiskImage extends pulumi.ComponentResource {
  /** What was built. Undefined if that is not known: under `--target`, or at a preview before the first build. */
  readonly result: pulumi.Output<DiskImageResult | undefined>;

  constructor(name: string, args: DiskImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:DiskImage", name, {}, opts);
    const builder = builderOf(args.variant, args.builders);
    const input: DiskImageInput = {
      // Only a frozen command's input never changes. Other commands look up origins when they run.
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
        // The step has its own deadline, which starts when it gets a slot. This one is for a step that never ends.
        customTimeouts: { create: "12h", update: "12h" },
        ...preflightHooks(args.preflight),
      },
    );
    if (args.frozen) {
      build.warnIfStale(
        args.inputsDigest,
        `${name} was built from other inputs than today's; revise the release to publish it again`,
      );
    }
    this.result = build.result<DiskImageResult>();
    this.registerOutputs({ result: this.result });
  }
}
