import type { EC2Client } from "@aws-sdk/client-ec2";
import { ec2Client } from "../aws/clients.ts";
import { everywhere } from "../aws/everywhere.ts";
import { explained } from "../aws/explain.ts";
import { tagList } from "../aws/tag-list.ts";
import type { Step } from "./step.ts";

/** What the step gets from its component. */
export interface AwsSnapshotsInput {
  /** Whether this AWS has to be a double on loopback. */
  double: boolean;
  /** Region to the snapshot of the image there. */
  snapshots: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  /** Who may make volumes of them: accounts, or `all`. */
  share: readonly string[];
}

/** What the snapshots have been given. */
export interface AwsSnapshotsResult {
  tagKeys: string[];
  share: string[];
  /** ISO 8601, UTC: when the image was first there in all these regions. */
  published: string;
}

/**
 * Tags the snapshots of an image's AMIs, and shares them: copies come without tags, and there is no resource for either.
 * Deleting it takes back the sharing; the snapshots are the AMIs' own.
 */
export const awsSnapshotsStep: Step<AwsSnapshotsInput, AwsSnapshotsResult> = {
  create: (input) => apply(input, { tagKeys: [], share: [] }, new Date().toISOString()),

  update: (input, previous) => apply(input, previous, previous.published),

  async delete(input, previous) {
    if (previous.share.length === 0) return;
    await inRegions(input, (client, snapshotId) => permit(client, snapshotId, "remove", previous.share));
  },
};

async function apply(
  input: AwsSnapshotsInput,
  before: Pick<AwsSnapshotsResult, "tagKeys" | "share">,
  published: string,
): Promise<AwsSnapshotsResult> {
  const { tags, share } = input;
  const { CreateTagsCommand, DeleteTagsCommand } = await import("@aws-sdk/client-ec2");
  const outdated = before.tagKeys.filter((key) => !(key in tags));
  const revoked = before.share.filter((grantee) => !share.includes(grantee));
  await inRegions(input, async (client, snapshotId) => {
    const Resources = [snapshotId];
    await client.send(new CreateTagsCommand({ Resources, Tags: tagList(tags) }));
    if (outdated.length > 0) {
      await client.send(new DeleteTagsCommand({ Resources, Tags: outdated.map((Key) => ({ Key })) }));
    }
    await permit(client, snapshotId, "add", share);
    await permit(client, snapshotId, "remove", revoked);
  });
  return { tagKeys: Object.keys(tags), share: [...share], published };
}

async function inRegions(
  { double, snapshots }: AwsSnapshotsInput,
  work: (client: EC2Client, snapshotId: string) => Promise<void>,
): Promise<void> {
  await everywhere(Object.entries(snapshots), ([region, snapshotId]) =>
    explained(`tag or share ${snapshotId} in ${region}`, async () =>
      work(await ec2Client({ region, double }), snapshotId),
    ),
  );
}

/** Lets grantees make volumes of a snapshot, or lets them no longer; EC2 refuses an empty list. */
async function permit(
  client: EC2Client,
  SnapshotId: string,
  OperationType: "add" | "remove",
  grantees: readonly string[],
): Promise<void> {
  if (grantees.length === 0) return;
  const { ModifySnapshotAttributeCommand } = await import("@aws-sdk/client-ec2");
  const UserIds = grantees.filter((grantee) => grantee !== "all");
  await client.send(
    new ModifySnapshotAttributeCommand({
      ...{ SnapshotId, OperationType, Attribute: "createVolumePermission" },
      ...(UserIds.length === 0 ? {} : { UserIds }),
      ...(grantees.includes("all") ? { GroupNames: ["all"] } : {}),
    }),
  );
}
