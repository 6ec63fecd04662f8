import type { EC2Client } from "@aws-sdk/client-ec2";
import { codesOf } from "./errors.ts";

/** Who may create volumes from a snapshot: accounts, or `all`. Undefined if the snapshot is gone. */
export async function volumeGrantees(client: EC2Client, SnapshotId: string): Promise<string[] | undefined> {
  const { DescribeSnapshotAttributeCommand } = await import("@aws-sdk/client-ec2");
  const command = new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: "createVolumePermission" });
  try {
    const { CreateVolumePermissions = [] } = await client.send(command);
    return CreateVolumePermissions.flatMap(({ Group, UserId }) => Group ?? UserId ?? []);
  } catch (error) {
    if (codesOf(error).includes("InvalidSnapshot.NotFound")) return undefined;
    throw error;
  }
}
