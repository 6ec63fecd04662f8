import type { CloudComponents } from "../cloud.ts";
import { AwsChannel } from "./channel.ts";
import { AwsImage } from "./image/image.ts";
import { declareShared } from "./shared.ts";

/** The Pulumi components of AWS. Importing this file loads the provider's SDK. */
export const awsComponents: CloudComponents = {
  declareShared,
  declareImage: (name, args, opts) => new AwsImage(name, args, opts),
  declareChannel: (name, args, opts) => new AwsChannel(name, args, opts),
};
