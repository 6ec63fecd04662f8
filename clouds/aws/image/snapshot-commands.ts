/** Tags and shares the AMIs' snapshots, which AmiCopy does not, and for which the provider has no resource. */
import * as pulumi from "@pulumi/pulumi";
import { preflightHooks } from "../../../components/preflight-hook.ts";
import { StepCommand } from "../../../components/step-command.ts";
import { bestEffortSuffix } from "../../../src/configuration/regions.ts";
import type { RegionalImage } from "../../cloud.ts";
import { awsOptionsOf } from "../options.ts";
import { grantees } from "../rules.ts";
import type { AwsSnapshotsInput } from "../steps/tag-snapshots.ts";
import type { ImageContext, RegionalAmi } from "./context.ts";
import type { PublishedAmi } from "./publish.ts";

/**
 * Declares the commands that tag the snapshots, and share them if the configuration says so. They exist from stage
 * import on, so that sharing is revoked by an update, never by the deletion of a command.
 * @returns the command for the home region and the other required regions
 */
export function tagAndShareSnapshots(
  context: ImageContext,
  home: RegionalAmi,
  published: readonly PublishedAmi[],
): StepCommand {
  const others = published.filter(({ region }) => region !== home.region);
  const bestEffort = others.filter((one) => one.bestEffort);
  if (bestEffort.length > 0) {
    declareCommand(context, bestEffortSuffix, bestEffort, published, { protect: false });
  }
  return declareCommand(context, "", [home, ...others.filter((one) => !one.bestEffort)], published);
}

function declareCommand(
  { name, args, settings, mutableAttributes, parent }: ImageContext,
  suffix: string,
  amis: readonly Pick<RegionalAmi, "region" | "snapshotId">[],
  published: readonly RegionalImage[],
  options: pulumi.CustomResourceOptions = {},
): StepCommand {
  const { image, publicAccess, publishAfter } = args;
  const share = awsOptionsOf(image.variant).shareSnapshots
    ? grantees(image.variant.access).flatMap(({ group, accountId }) => group ?? accountId ?? [])
    : [];
  const regions = published.map(({ region }) => region);
  const snapshots = Object.fromEntries(amis.map(({ region, snapshotId }) => [region, snapshotId]));
  const input = pulumi.output(snapshots).apply((snapshots): AwsSnapshotsInput => ({
    double: settings.emulator,
    snapshots,
    tags: mutableAttributes.tags,
    share,
    published: regions,
  }));
  // Only the command's own regions, so that a failure in others does not block these.
  const here = regions.filter((region) => amis.some((ami) => ami.region === region));
  const isShared = share.length > 0 && published.length > 0;
  const dependsOn = isShared
    ? [...publishAfter, ...here.flatMap((region) => publicAccess[region] ?? [])]
    : [];
  return new StepCommand(
    `${name}-snapshots${suffix}`,
    // Never frozen: tags and access follow the configuration.
    { step: "aws-tag-snapshots", input, replaceOn: [], frozen: false },
    { parent, dependsOn, ...preflightHooks(args.preflight), ...options },
  );
}
