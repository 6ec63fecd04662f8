import { SnapshotBlockPublicAccess } from "@pulumi/aws/ebs/snapshotBlockPublicAccess.js";
import { ImageBlockPublicAccess } from "@pulumi/aws/ec2/imageBlockPublicAccess.js";
import * as pulumi from "@pulumi/pulumi";
import { awsOptionsOf } from "./options.ts";
import { isPublic } from "./rules.ts";
import { type DeclaredImage, hasReached, type Stage } from "../../src/configuration/variant.ts";
import { preflightHooks } from "../../components/preflight-hook.ts";
import type { PublicAccess } from "../cloud.ts";

/** Arguments of {@link AwsPublicAccess}. */
export interface AwsPublicAccessArgs {
  /** The stack's images. Only those that it makes public on AWS count. */
  images: readonly DeclaredImage[];
  /** The highest stage to which the stack brings an image. */
  ceiling: Stage;
  /** Checks the account before block public access is switched off. @default nothing is checked */
  preflight?: pulumi.ResourceHook | undefined;
}

/** AWS takes up to ten minutes before it allows public images. */
const patience = { customTimeouts: { create: "30m", update: "30m" } };

/**
 * Switches the account's block public access off in the regions that need it. AWS has it on in new accounts, where
 * sharing an image with everybody fails.
 */
export class AwsPublicAccess extends pulumi.ComponentResource {
  readonly regions: PublicAccess;

  constructor(
    name: string,
    { images, ceiling, preflight }: AwsPublicAccessArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "alpine:aws:PublicAccess",
      name,
      {},
      { ...opts, aliases: [{ type: "alpine:index:AwsPublicAccess" }] },
    );
    const options = { parent: this, ...patience, ...preflightHooks(preflight) };
    this.regions = Object.fromEntries(
      publicRegions(images, ceiling).map(({ region, snapshots }) => [
        region,
        [
          new ImageBlockPublicAccess(`${name}-images-${region}`, { region, state: "unblocked" }, options),
          ...(snapshots
            ? [
                new SnapshotBlockPublicAccess(
                  `${name}-snapshots-${region}`,
                  { region, state: "unblocked" },
                  options,
                ),
              ]
            : []),
        ],
      ]),
    );
    this.registerOutputs({});
  }
}

/** Regions in which a stack's images on AWS are public, and whether their snapshots are public too. */
function publicRegions(
  images: readonly DeclaredImage[],
  ceiling: Stage,
): { region: string; snapshots: boolean }[] {
  const regions = new Map<string, boolean>();
  for (const { variant, state, regions: published } of images) {
    const isPublished = hasReached(state, ceiling, "publish");
    if (!isPublished || !isPublic(variant)) continue;
    for (const { name } of published) {
      regions.set(name, regions.get(name) === true || awsOptionsOf(variant).shareSnapshots);
    }
  }
  return [...regions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([region, snapshots]) => ({ region, snapshots }));
}
