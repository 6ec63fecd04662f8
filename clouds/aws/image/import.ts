/** Imports a disk in the home region: disk → snapshot → AMI. */
import { SnapshotImport } from "@pulumi/aws/ebs/snapshotImport.js";
import { Ami } from "@pulumi/aws/ec2/ami.js";
import * as pulumi from "@pulumi/pulumi";
import { placeholderIfFailed } from "../../../components/placeholder.ts";
import { preflightHooks } from "../../../components/preflight-hook.ts";
import { StepCommand } from "../../../components/step-command.ts";
import { imageName } from "../../../src/configuration/tags.ts";
import { awsOptionsOf } from "../options.ts";
import { noSnapshot } from "../resource-names.ts";
import { amiArchitectures, amiBootMode, encryptionOf, ownerTag } from "../rules.ts";
import type { AwsUploadInput, AwsUploadResult } from "../steps/upload.ts";
import type { AwsSnapshotInput, AwsSnapshotResult } from "../steps/write-snapshot.ts";
import { type ImageContext, keepAsMade, patience, type RegionalAmi } from "./context.ts";
import { warnOfDrift } from "./drift-warnings.ts";

const rootDevice = "/dev/xvda";

/** Imports the disk as a private AMI. */
export function importDisk(context: ImageContext): RegionalAmi {
  const { name, args, settings, mutableAttributes, parent } = context;
  const { variant } = args.image;
  const { region } = settings;
  const options = awsOptionsOf(variant);
  const { snapshotId, resource: snapshot } =
    settings.importMethod === "direct" ? writeSnapshot(context) : importSnapshot(context);
  const ami = new Ami(
    name,
    {
      ...mutableAttributes,
      name: imageName(variant),
      region,
      architecture: amiArchitectures[variant.arch],
      bootMode: amiBootMode(variant),
      virtualizationType: "hvm",
      enaSupport: options.enaSupport,
      sriovNetSupport: "simple",
      ...(options.imdsSupport === "v2.0" ? { imdsSupport: "v2.0" } : {}),
      ...(options.tpmSupport ? { tpmSupport: "v2.0" } : {}),
      rootDeviceName: rootDevice,
      ebsBlockDevices: [
        {
          deviceName: rootDevice,
          snapshotId: placeholderIfFailed(snapshotId, noSnapshot),
          volumeType: options.volumeType,
          deleteOnTermination: true,
        },
      ],
    },
    { parent, dependsOn: snapshot, ...keepAsMade(context, "ami"), ...preflightHooks(args.preflight) },
  );
  if (args.frozen) warnOfDrift(context, ami);
  return { region, resource: ami, imageId: idInHome(context, ami), snapshotId };
}

/**
 * The AMI's id, if the AMI is in today's home region. Fails otherwise: the AMI would conflict with its own copy, and
 * everything that refers to it would be in the wrong region.
 */
function idInHome({ name, args, settings }: ImageContext, ami: Ami): pulumi.Output<string> {
  if (!args.frozen) return ami.id;
  // Under --target the region may be unknown.
  return pulumi.all([ami.id, ami.region]).apply(([id, found]) => {
    if (found === undefined || found === settings.region) return id;
    throw new pulumi.InputPropertyError({
      propertyPath: "aws",
      reason: `${name} was imported in ${found}, but alpine:aws.region is now ${settings.region}: set it back, because imported images cannot move (use another stack for another home region)`,
    });
  });
}

interface Snapshot {
  snapshotId: pulumi.Output<string>;
  resource: pulumi.Resource;
}

/** Digest of the image's file: other content needs another snapshot. */
const contentOf = ({ args }: ImageContext): pulumi.Output<string> =>
  pulumi.output(args.disk).apply((disk) => disk?.sha512 ?? "unknown");

const ownerOf = ({ name }: ImageContext): string => `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;

const tagsOf = (context: ImageContext): Record<string, string> => ({
  ...context.mutableAttributes.tags,
  [ownerTag]: ownerOf(context),
});

/** Writes the disk to a snapshot block by block, without a bucket. */
function writeSnapshot(context: ImageContext): Snapshot {
  const { name, args, settings, mutableAttributes, parent } = context;
  const { region, emulator: double } = settings;
  const { description } = mutableAttributes;
  const input = pulumi.all([args.disk, args.artifact]).apply(([disk, artifact]): AwsSnapshotInput => ({
    region,
    double,
    owner: ownerOf(context),
    disk,
    artifact,
    description,
    tags: tagsOf(context),
    encrypted: false,
    ...encryptionOf(args.image.variant),
  }));
  const snapshot = new StepCommand(
    `${name}-snapshot`,
    {
      step: "aws-write-snapshot",
      input,
      replaceOn: [contentOf(context), region],
      frozen: args.frozen,
    },
    { parent, ...patience, ...preflightHooks(args.preflight) },
  );
  const snapshotId = snapshot.result<AwsSnapshotResult>().apply((result) => result?.snapshotId ?? "unknown");
  return { snapshotId, resource: snapshot };
}

/** Uploads the disk to the bucket, from which VM Import makes a snapshot. */
function importSnapshot(context: ImageContext): Snapshot {
  const { name, args, settings, mutableAttributes, parent } = context;
  const { region, bucket, emulator: double, role } = settings;
  const { description } = mutableAttributes;
  const { variant } = args.image;
  const input = pulumi.all([args.disk, args.artifact]).apply(([disk, artifact]): AwsUploadInput => ({
    region,
    bucket,
    double,
    owner: ownerOf(context),
    disk,
    artifact,
  }));
  const upload = new StepCommand(
    `${name}-upload`,
    { step: "aws-upload", input, replaceOn: [contentOf(context), region, bucket], frozen: args.frozen },
    { parent, ...patience, ...preflightHooks(args.preflight) },
  );
  // Other content gets another key, because an import does not notice changed content under the same key.
  const key = upload.result<AwsUploadResult>().apply((result) => result?.key ?? "unknown");
  const snapshot = new SnapshotImport(
    name,
    {
      region,
      description,
      tags: tagsOf(context),
      roleName: role,
      ...encryptionOf(variant),
      diskContainer: {
        description,
        format: variant.imageFormat.toUpperCase(),
        userBucket: { s3Bucket: bucket, s3Key: placeholderIfFailed(key, "none") },
      },
    },
    {
      parent,
      dependsOn: upload,
      ...patience,
      ...keepAsMade(context, "snapshotImport"),
      ...preflightHooks(args.preflight),
    },
  );
  return { snapshotId: snapshot.id, resource: snapshot };
}
