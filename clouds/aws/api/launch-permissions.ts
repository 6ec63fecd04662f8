import type { EC2Client, LaunchPermission } from "@aws-sdk/client-ec2";

/** Who may launch an AMI, as EC2 has it. */
export async function launchPermissions(client: EC2Client, ImageId: string): Promise<LaunchPermission[]> {
  const { DescribeImageAttributeCommand } = await import("@aws-sdk/client-ec2");
  const command = new DescribeImageAttributeCommand({ ImageId, Attribute: "launchPermission" });
  return (await client.send(command)).LaunchPermissions ?? [];
}
