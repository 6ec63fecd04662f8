import { DeleteSnapshotCommand, type EC2Client, paginateDescribeImages } from "@aws-sdk/client-ec2";
import { codesOf } from "../api/errors.ts";
import { UserError } from "../../../src/lib/user-error.ts";

/** How long to wait for copies and imports in progress: they cannot be cancelled, only deleted once they exist. */
export const patience = {
  retries: 400,
  factor: 1.2,
  minTimeout: 500,
  maxTimeout: 15_000,
  maxRetryTime: 90 * 60_000,
  /** Only "still in progress" is worth waiting for. */
  shouldRetry: ({ error }: { error: Error }): boolean => error instanceof UserError,
};

/** Whether an AMI of the account uses a snapshot. */
export async function isUsed(client: EC2Client, snapshotId: string): Promise<boolean> {
  const Filters = [{ Name: "block-device-mapping.snapshot-id", Values: [snapshotId] }];
  for await (const page of paginateDescribeImages({ client }, { Owners: ["self"], Filters })) {
    const uses = (page.Images ?? []).flatMap(({ BlockDeviceMappings = [] }) => BlockDeviceMappings);
    if (uses.some(({ Ebs }) => Ebs?.SnapshotId === snapshotId)) return true;
  }
  return false;
}

/** Deletes a snapshot. It may be gone already. */
export async function deleteSnapshot(client: EC2Client, SnapshotId: string): Promise<void> {
  try {
    await client.send(new DeleteSnapshotCommand({ SnapshotId }));
  } catch (error) {
    if (!codesOf(error).includes("InvalidSnapshot.NotFound")) throw error;
  }
}
