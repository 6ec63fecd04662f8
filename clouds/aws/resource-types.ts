/** Types of the resources that images and lines have on AWS, as in a stack's state. */
export const resourceTypes = {
  ami: "aws:ec2/ami:Ami",
  copy: "aws:ec2/amiCopy:AmiCopy",
  permission: "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
  snapshot: "aws:ebs/snapshotImport:SnapshotImport",
  parameter: "aws:ssm/parameter:Parameter",
} as const;

/** Types of a channel's component: today's, and the type in states written before December 2026. */
export const channelTypes: readonly string[] = ["alpine:aws:Channel", "alpine:index:Channel"];

/** The type of their provider, which is in a state as long as any of them is. */
export const awsProviderType = "pulumi:providers:aws";
