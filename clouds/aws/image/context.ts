import type * as pulumi from "@pulumi/pulumi";
import type { Ami } from "@pulumi/aws/ec2/ami.js";
import type { AmiCopy } from "@pulumi/aws/ec2/amiCopy.js";
import type { CloudImageArgs } from "../../cloud.ts";
import type { AwsSettings } from "../options.ts";

/** What the parts of an image on AWS have in common. */
export interface ImageContext {
  /** Pulumi name: `3.23.6-x86_64-uefi-tiny-aws-r0`. */
  name: string;
  args: CloudImageArgs;
  settings: AwsSettings;
  /** Attributes that can change in place on every AMI. */
  mutableAttributes: { description: string; tags: Record<string, string>; deprecationTime: string };
  /** The component. */
  parent: pulumi.Resource;
}

/** An image in one region: the imported AMI, or a copy of it. */
export interface RegionalAmi {
  region: string;
  resource: Ami | AmiCopy;
  imageId: pulumi.Output<string>;
  snapshotId: pulumi.Output<string>;
}

/** Imports and copies wait in AWS's queues: on a bad day, a snapshot of a few hundred MiB has taken hours. */
export const patience = { customTimeouts: { create: "4h" } };

/**
 * Inputs whose change replaces a resource. A stack that keeps what it has ignores such changes, so an existing name is
 * never given to another image. The other inputs (description, deprecation, tags) change in place.
 */
const replacing = {
  snapshotImport: ["description", "diskContainer", "encrypted", "kmsKeyId", "region", "roleName"],
  ami: [
    "architecture",
    "bootMode",
    "ebsBlockDevices",
    "enaSupport",
    "imdsSupport",
    "name",
    "region",
    "rootDeviceName",
    "sriovNetSupport",
    "tpmSupport",
    "virtualizationType",
  ],
  amiCopy: ["encrypted", "kmsKeyId", "name", "sourceAmiId", "sourceAmiRegion"],
  // Its AMI is never replaced. If a run fails before the AMI's id is known, the placeholder must not count as another image.
  permission: ["imageId"],
};

/** Options that keep a resource as it was made, if the stack keeps what it has. */
export function keepAsMade(
  { args }: ImageContext,
  kind: keyof typeof replacing,
): Pick<pulumi.CustomResourceOptions, "ignoreChanges"> {
  return args.frozen ? { ignoreChanges: replacing[kind] } : {};
}
