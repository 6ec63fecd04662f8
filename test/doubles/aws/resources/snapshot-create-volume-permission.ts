import type * as aws from "@pulumi/aws";
import { defineResource, doing, isMissing, ProviderError } from "../resource.ts";

const text = { kind: "string", replaces: true, required: true } as const;

/** Shares a snapshot with an account. The real provider has no resource that makes a snapshot public. */
export const snapshotCreateVolumePermission = defineResource<aws.ec2.SnapshotCreateVolumePermissionArgs>({
  token: "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission",
  properties: { accountId: text, snapshotId: text },
  outputs: [],

  async create(api, { accountId, snapshotId }, setId) {
    const id = `${snapshotId}-${accountId}`;
    // The real provider checks this while planning, with the same message.
    const { Snapshots } = await api.call("DescribeSnapshots", { SnapshotIds: [snapshotId] });
    if (Snapshots[0]?.OwnerId === accountId) {
      throw new ProviderError("Owner", `AWS Account (${accountId}) owns EBS Snapshot (${snapshotId})`);
    }
    await doing(`creating EBS Snapshot CreateVolumePermission (${id})`, () =>
      api.call("ModifySnapshotAttribute", {
        SnapshotId: snapshotId,
        Attribute: "createVolumePermission",
        CreateVolumePermission: { Add: [{ UserId: accountId }] },
      }),
    );
    setId(id);
  },

  async read(api, id) {
    const { snapshotId, accountId } = parse(id);
    try {
      const answer = await api.call("DescribeSnapshotAttribute", { SnapshotId: snapshotId });
      const isThere = answer.CreateVolumePermissions.some(
        (one) => "UserId" in one && one.UserId === accountId,
      );
      return isThere ? { snapshotId, accountId } : undefined;
    } catch (error) {
      if (isMissing(error, "InvalidSnapshot.NotFound")) return undefined;
      throw error;
    }
  },

  async delete(api, id) {
    const { snapshotId, accountId } = parse(id);
    try {
      await doing(`deleting EBS Snapshot CreateVolumePermission (${id})`, () =>
        api.call("ModifySnapshotAttribute", {
          SnapshotId: snapshotId,
          Attribute: "createVolumePermission",
          CreateVolumePermission: { Remove: [{ UserId: accountId }] },
        }),
      );
    } catch (error) {
      if (!isMissing(error, "InvalidSnapshot.NotFound")) throw error;
    }
  },
});

function parse(id: string): { snapshotId: string; accountId: string } {
  const [, snapshotId, accountId] = /^(snap-[^-]+)-(.+)$/.exec(id) ?? [];
  if (snapshotId !== undefined && accountId !== undefined) return { snapshotId, accountId };
  throw new Error(`unexpected format for ID (${id}), expected SNAPSHOT_ID-ACCOUNT_ID`);
}
