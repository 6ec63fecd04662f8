/** The Pulumi components of the example cloud. */
import * as pulumi from "@pulumi/pulumi";
import type { CloudComponents, CloudImage, CloudImageArgs } from "../../clouds/cloud.ts";
import { preflightHooks } from "../../components/preflight-hook.ts";
import { StepCommand } from "../../components/step-command.ts";
import type { ImportInput, ImportResult } from "./import.ts";
import { exampleSettings } from "./options.ts";
import { imageType } from "./progress.ts";

/** An image in the example cloud. */
class ExampleImage extends pulumi.ComponentResource implements CloudImage {
  readonly imported: CloudImage["imported"];
  readonly published = [];
  readonly publishedSince = pulumi.output(undefined);

  constructor(name: string, args: CloudImageArgs, opts: pulumi.ComponentResourceOptions) {
    super(imageType, name, {}, opts);
    const { folder } = exampleSettings.parse(args.settings);
    const input = pulumi
      .all([args.artifact])
      .apply(([artifact]): ImportInput => ({ folder, name, sha512: artifact?.sha512 ?? "" }));
    const imported = new StepCommand(
      `${name}-import`,
      {
        step: "example-import",
        input,
        replaceOn: [input.apply(({ sha512 }) => sha512)],
        frozen: args.frozen,
      },
      { parent: this, ...preflightHooks(args.preflight) },
    );
    const imageId = imported.result<ImportResult>().apply((result) => result?.imageId ?? "");
    this.imported = { region: "here", imageId };
    this.registerOutputs({});
  }
}

export const declareShared: CloudComponents["declareShared"] = () => ({ providers: [], publicAccess: {} });

export const declareImage: CloudComponents["declareImage"] = (name, args, opts) =>
  new ExampleImage(name, args, opts);
