import type { EC2Client } from "@aws-sdk/client-ec2";
import { ec2Client } from "../api/clients.ts";
import { forEachRegion } from "../../../src/lib/for-each-region.ts";
import { withAwsErrors } from "../api/errors.ts";
import { tagList } from "../api/tag-list.ts";
import { volumeGrantees } from "../api/volume-grantees.ts";
import type { Step } from "../../../src/steps/step.ts";

/** What the step gets from its component. */
export interface AwsSnapshotsInput {
  /** If true, calls go only to an emulator on loopback (setting `aws.emulator`). States record it under this name. */
  double: boolean;
  /** Region to the image's snapshot there. */
  snapshots: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  /** Who may create volumes from published snapshots: accounts, or `all`. */
  share: readonly string[];
  /** Regions in which the image is published. */
  published: readonly string[];
}

/** What was applied to the snapshots. */
export interface AwsSnapshotsResult {
  tagKeys: string[];
  /** ISO 8601, UTC: when the image was first published in all these regions. */
  published?: string | undefined;
}

/**
 * Tags the snapshots of an image's AMIs, and shares them: copies come without tags, and the provider has no resource
 * for either. Deleting it changes nothing: snapshots are deleted with their AMIs, and a snapshot that left this command
 * may belong to another one by now.
 */
export const awsSnapshotsStep: Step<AwsSnapshotsInput, AwsSnapshotsResult> = {
  create: (input) => apply(input, { tagKeys: [] }),

  update: apply,

  delete: () => Promise.resolve(),
};

async function apply(input: AwsSnapshotsInput, before: AwsSnapshotsResult): Promise<AwsSnapshotsResult> {
  const { tags, share, published } = input;
  const { CreateTagsCommand, DeleteTagsCommand } = await import("@aws-sdk/client-ec2");
  const outdated = before.tagKeys.filter((key) => !(key in tags));
  await inRegions(input, async (client, snapshotId, region) => {
    const Resources = [snapshotId];
    await client.send(new CreateTagsCommand({ Resources, Tags: tagList(tags) }));
    if (outdated.length > 0) {
      await client.send(new DeleteTagsCommand({ Resources, Tags: outdated.map((Key) => ({ Key })) }));
    }
    const granted = published.includes(region) ? share : [];
    // Compare with AWS rather than with the record: an interrupted run has recorded nothing.
    const there = (await volumeGrantees(client, snapshotId)) ?? [];
    const added = granted.filter((grantee) => !there.includes(grantee));
    const revoked = there.filter((grantee) => !granted.includes(grantee));
    await permit(client, snapshotId, "add", added);
    await permit(client, snapshotId, "remove", revoked);
  });
  return {
    ...(published.length === 0 ? {} : { published: before.published ?? new Date().toISOString() }),
    tagKeys: Object.keys(tags),
  };
}

async function inRegions(
  { double, snapshots }: AwsSnapshotsInput,
  work: (client: EC2Client, snapshotId: string, region: string) => Promise<void>,
): Promise<void> {
  await forEachRegion(Object.entries(snapshots), ([region, snapshotId]) =>
    withAwsErrors(`tag or share ${snapshotId} in ${region}`, async () =>
      work(await ec2Client({ region, emulator: double }), snapshotId, region),
    ),
  );
}

/** Adds or removes grantees that may create volumes from a snapshot. EC2 refuses an empty list. */
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
      SnapshotId,
      OperationType,
      Attribute: "createVolumePermission",
      ...(UserIds.length === 0 ? {} : { UserIds }),
      ...(grantees.includes("all") ? { GroupNames: ["all"] } : {}),
    }),
  );
}
