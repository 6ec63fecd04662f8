import { Parameter } from "@pulumi/aws/ssm/parameter.js";
import * as pulumi from "@pulumi/pulumi";
import { splitBestEffort } from "../../components/best-effort.ts";
import { placeholderIfFailed } from "../../components/placeholder.ts";
import { preflightHooks } from "../../components/preflight-hook.ts";
import { StepCommand } from "../../components/step-command.ts";
import { isLeaving } from "../../src/configuration/variant.ts";
import type { CloudChannel, CloudChannelArgs } from "../cloud.ts";
import { noImage, regionalName } from "./resource-names.ts";
import type { AwsSettings } from "./options.ts";
import type { AwsChannelInput } from "./steps/read-back-channel.ts";

/**
 * A line's channel on AWS: an SSM parameter in each region that names the newest image. It belongs to the line, so all
 * revisions share one. It moves only when the new image can be used in that region. It is read back, because SSM
 * silently keeps the old value if the new one is not an image.
 */
export class AwsChannel extends pulumi.ComponentResource implements CloudChannel {
  /** The parameter's name, the same in every region. */
  readonly pointer: string;

  constructor(name: string, args: CloudChannelArgs, opts?: pulumi.ComponentResourceOptions) {
    const { line, images, preflight } = args;
    const settings = args.settings as AwsSettings;
    // It is protected as long as it points to a protected image.
    const protect =
      args.protectPublished && [...line.targets.values()].some(({ state }) => !isLeaving(state));
    const aliases = [{ type: "alpine:index:Channel" }];
    super("alpine:aws:Channel", name, {}, { ...opts, protect, aliases });
    this.pointer = `${settings.parameterPrefix}/${line.path}`;
    const parameters = images.map(({ region, bestEffort, leaving, imageId, ready }) => {
      const resource = new Parameter(
        regionalName(name, region),
        {
          region,
          name: this.pointer,
          description: `The newest image of ${line.path.replaceAll("/", " ")}`,
          type: "String",
          dataType: "aws:ec2:image",
          // `value` would be a secret, and previews could not show where a channel moves.
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
        double: settings.emulator,
        parameter: this.pointer,
        images,
      }));
      new StepCommand(
        `${name}-channel${suffix}`,
        { step: "aws-read-back-channel", input, replaceOn: [], frozen: false },
        { parent: this, dependsOn: things.map(({ resource }) => resource), ...options },
      );
    }
    this.registerOutputs({ parameter: this.pointer });
  }
}
