/** Types of the resources that an image and a line have on AWS, as a stack's state names them. */
export const resourceTypes = {
  ami: "aws:ec2/ami:Ami",
  copy: "aws:ec2/amiCopy:AmiCopy",
  permission: "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
  snapshot: "aws:ebs/snapshotImport:SnapshotImport",
  parameter: "aws:ssm/parameter:Parameter",
} as const;

/** Types of a channel's component: today's, and the one in states that were written before December 2026. */
export const channelTypes: readonly string[] = ["alpine:aws:Channel", "alpine:index:Channel"];

/** The provider that all of them have: it is in a state as long as anything there is. */
export const awsProviderType = "pulumi:providers:aws";
