import * as pulumi from "@pulumi/pulumi";
import { isAtLeast } from "../../../src/configuration/variant.ts";
import type { CloudImage, CloudImageArgs, RegionalImage } from "../../cloud.ts";
import type { AwsSettings } from "../options.ts";
import { amiTags, deprecationTime } from "../rules.ts";
import type { AwsSnapshotsResult } from "../steps/tag-snapshots.ts";
import type { ImageContext } from "./context.ts";
import { importDisk } from "./import.ts";
import { publish } from "./publish.ts";
import { tagAndShareSnapshots } from "./snapshot-commands.ts";

/**
 * An image on AWS: imported into the home region as a private AMI, and from stage publish on, copied to its regions and
 * shared. Regions are independent: a failure in one does not block the others. Deleting it removes its AMIs and snapshots.
 */
export class AwsImage extends pulumi.ComponentResource implements CloudImage {
  readonly imported: CloudImage["imported"];
  readonly published: readonly RegionalImage[];
  readonly publishedSince: pulumi.Output<string | undefined>;

  constructor(name: string, args: CloudImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:aws:Image", name, {}, { ...opts, aliases: [{ type: "alpine:index:AwsImage" }] });
    const { variant, state } = args.image;
    const context: ImageContext = {
      name,
      args,
      settings: args.settings as AwsSettings,
      mutableAttributes: {
        description: variant.description,
        tags: amiTags(variant),
        deprecationTime: deprecationTime(variant, state),
      },
      parent: this,
    };
    const home = importDisk(context);
    this.imported = { region: home.region, imageId: home.imageId };
    const published = isAtLeast(args.stage, "publish") ? publish(context, home) : [];
    this.published = published;
    this.publishedSince = tagAndShareSnapshots(context, home, published)
      .result<AwsSnapshotsResult>()
      .apply((result) => result?.published);
    this.registerOutputs({});
  }
}
