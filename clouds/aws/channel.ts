import { Parameter } from "@pulumi/aws/ssm/parameter.js";
import * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../src/configuration/settings.ts";
import { awsLines, type ReleaseLine } from "../../src/configuration/release-lines.ts";
import { type DeclaredImage, isLeaving } from "../../src/configuration/variant.ts";
import { noImage, regionalName } from "./resource-names.ts";
import type { AwsChannelInput } from "./steps/read-back-channel.ts";
import { splitBestEffort, type CloudImage, type RegionalImage } from "../cloud.ts";
import { preflightHooks } from "../../components/preflight-hook.ts";
import { placeholderIfFailed } from "../../components/placeholder.ts";
import { StepCommand } from "../../components/step-command.ts";

/** Arguments of a {@link Channel}. */
export interface ChannelArgs {
  line: ReleaseLine;
  /** What it points to, by region. */
  images: readonly RegionalImage[];
  settings: StackSettings;
  /** Looks whether the account is ready, before anything is created in it. @default nobody looks */
  preflight?: pulumi.ResourceHook | undefined;
}

/**
 * The pointer of a line on AWS: in each region an SSM parameter that names the newest image. It belongs to the line and not
 * to an image, so no two revisions have one each; it moves only once the image it moves to may be used there; and it is
 * read back, for SSM keeps an old value silently where it finds the new one to be no image.
 */
export class Channel extends pulumi.ComponentResource {
  /** The parameter's name, the same in every region. */
  readonly parameter: string;

  constructor(
    name: string,
    { line, images, settings, preflight }: ChannelArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    // As long as it points to anything that is protected, it is too.
    const protect =
      settings.protectPublished && [...line.targets.values()].some(({ state }) => !isLeaving(state));
    super("alpine:index:Channel", name, {}, { ...opts, protect });
    this.parameter = `${settings.aws.parameterPrefix}/${line.path}`;
    const parameters = images.map(({ region, bestEffort, leaving, imageId, ready }) => {
      const resource = new Parameter(
        regionalName(name, region),
        {
          region,
          name: this.parameter,
          description: `The newest image of ${line.path.replaceAll("/", " ")}`,
          type: "String",
          dataType: "aws:ec2:image",
          // An image is no secret, as `value` would make it: then no preview would show where a pointer moves.
          insecureValue: placeholderIfFailed(imageId, noImage),
        },
        {
          parent: this,
          dependsOn: [...ready],
          ...(leaving ? { protect: false } : {}),
          ...preflightHooks(preflight),
        },
      );
      return { region, bestEffort, imageId, resource };
    });
    for (const { suffix, things, options } of splitBestEffort(parameters)) {
      const expected = Object.fromEntries(things.map(({ region, imageId }) => [region, imageId]));
      const input = pulumi.output(expected).apply((images): AwsChannelInput => ({
        double: settings.aws.double,
        parameter: this.parameter,
        images,
      }));
      new StepCommand(
        `${name}-channel${suffix}`,
        { step: "aws-channel", input, replaceOn: [], frozen: false },
        { parent: this, dependsOn: things.map(({ resource }) => resource), ...options },
      );
    }
    this.registerOutputs({ parameter: this.parameter });
  }
}

/**
 * Declares the channels of a stack's released images.
 * @param images the declared images by Pulumi name
 * @returns line to the name of its parameter; undefined where there is none
 */
export function declareChannels(
  declared: readonly DeclaredImage[],
  images: ReadonlyMap<string, { cloudImage: CloudImage | undefined }>,
  settings: StackSettings,
  preflight: pulumi.ResourceHook | undefined,
  opts: pulumi.ComponentResourceOptions,
): Record<string, string> | undefined {
  const lines = awsLines(declared, settings.stage);
  if (lines.length === 0) return undefined;
  return Object.fromEntries(
    lines.map((line) => {
      const targets = [...line.targets].flatMap(
        ([region, { key }]) =>
          images.get(key)?.cloudImage?.published.find((image) => image.region === region) ?? [],
      );
      return [
        line.key,
        new Channel(line.key, { line, images: targets, settings, preflight }, opts).parameter,
      ];
    }),
  );
}
