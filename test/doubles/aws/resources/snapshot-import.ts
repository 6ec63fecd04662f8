import type * as aws from "@pulumi/aws";
import { defined } from "../../../../src/lib/defined.ts";
import {
  asState,
  defineResource,
  doing,
  isMissing,
  poll,
  ProviderError,
  tagList,
  tagMap,
  tagsProperty,
  updateEc2Tags,
} from "../resource.ts";
import { newToken } from "../token.ts";

const text = { kind: "string", replaces: true } as const;
const notNeeded = "no image of this project uses it";

/** The id is known only when the import is finished. An earlier failure leaves a task and a snapshot that no state knows. */
export const snapshotImport = defineResource<aws.ebs.SnapshotImportArgs>({
  token: "aws:ebs/snapshotImport:SnapshotImport",
  properties: {
    clientData: { kind: "object", absent: notNeeded },
    description: { ...text, computed: true },
    diskContainer: {
      kind: "object",
      required: true,
      replaces: true,
      fields: {
        description: text,
        format: { ...text, required: true, values: ["VMDK", "RAW", "VHD"] },
        url: { ...text, absent: "use userBucket" },
        userBucket: {
          kind: "object",
          required: true,
          replaces: true,
          fields: { s3Bucket: { ...text, required: true }, s3Key: { ...text, required: true } },
        },
      },
    },
    encrypted: { kind: "boolean", replaces: true },
    kmsKeyId: text,
    permanentRestore: { kind: "boolean", absent: notNeeded },
    roleName: { ...text, default: "vmimport" },
    storageTier: { kind: "string", absent: notNeeded },
    tags: tagsProperty,
    temporaryRestoreDays: { kind: "number", absent: notNeeded },
  },
  outputs: ["arn", "ownerId", "storageTier", "volumeSize", "dataEncryptionKeyId", "ownerAlias", "outpostArn"],

  async create(api, inputs, setId) {
    const { diskContainer, tags } = inputs;
    const { ImportTaskId } = await doing("creating EBS Snapshot Import", () =>
      api.call("ImportSnapshot", {
        ClientToken: newToken(),
        ...defined({
          Description: inputs.description,
          Encrypted: inputs.encrypted,
          KmsKeyId: inputs.kmsKeyId,
        }),
        DiskContainer: {
          Format: diskContainer.format,
          UserBucket: {
            S3Bucket: diskContainer.userBucket?.s3Bucket ?? "",
            S3Key: diskContainer.userBucket?.s3Key ?? "",
          },
        },
        RoleName: inputs.roleName ?? "vmimport",
        TagSpecifications: [{ ResourceType: "import-snapshot-task", Tags: tagList(tags) }],
      }),
    );
    const waiting = `waiting for EBS Snapshot Import (${ImportTaskId}) create`;
    const detail = await doing(waiting, () =>
      poll(waiting, async () => {
        const { ImportSnapshotTasks } = await api.call("DescribeImportSnapshotTasks", {
          ImportTaskIds: [ImportTaskId],
        });
        const task = ImportSnapshotTasks[0]?.SnapshotTaskDetail;
        return task?.Status === "active" ? undefined : task;
      }),
    );
    if (detail.Status !== "completed" || detail.SnapshotId === undefined) {
      const unexpected = `unexpected state '${detail.Status}', wanted target 'completed'`;
      throw new ProviderError(
        "ImportFailed",
        `${waiting}: ${unexpected}. last error: ${detail.StatusMessage}`,
      );
    }
    const snapshotId = detail.SnapshotId;
    setId(snapshotId);
    await doing(`setting EBS Snapshot Import (${snapshotId}) tags`, () =>
      updateEc2Tags(api, snapshotId, {}, tags),
    );
  },

  async read(api, id) {
    try {
      const { Snapshots } = await api.call("DescribeSnapshots", { SnapshotIds: [id] });
      const snapshot = Snapshots[0];
      if (snapshot === undefined) return undefined;
      return asState({
        arn: `arn:aws:ec2:${api.region}::snapshot/${id}`,
        description: snapshot.Description,
        encrypted: snapshot.Encrypted,
        kmsKeyId: snapshot.KmsKeyId,
        ownerId: snapshot.OwnerId,
        storageTier: snapshot.StorageTier,
        volumeSize: snapshot.VolumeSize,
        tags: tagMap(snapshot.Tags),
      });
    } catch (error) {
      if (isMissing(error, "InvalidSnapshot.NotFound")) return undefined;
      throw error;
    }
  },

  async update(api, id, olds, news) {
    await updateEc2Tags(api, id, olds.tags, news.tags);
  },

  /** The real provider waits ten minutes until no image uses the snapshot. Here it makes some attempts. */
  async delete(api, id) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await doing(`deleting EBS Snapshot (${id})`, () => api.call("DeleteSnapshot", { SnapshotId: id }));
        return;
      } catch (error) {
        if (isMissing(error, "InvalidSnapshot.NotFound")) return;
        if (!isMissing(error, "InvalidSnapshot.InUse") || attempt >= 5) throw error;
      }
    }
  },
});
