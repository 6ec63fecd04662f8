/** Types of the resources that an image and a line have, as a stack's state names them. */
export const resourceTypes = {
  ami: "aws:ec2/ami:Ami",
  copy: "aws:ec2/amiCopy:AmiCopy",
  permission: "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
  snapshot: "aws:ebs/snapshotImport:SnapshotImport",
  parameter: "aws:ssm/parameter:Parameter",
  command: "command:local:Command",
} as const;

/** The provider that all of them on AWS have: it is in a state as long as anything there is. */
export const awsProviderType = "pulumi:providers:aws";
