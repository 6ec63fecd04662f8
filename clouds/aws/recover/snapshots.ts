/** Snapshots that disks were imported to, or written to directly, in this stack's name, and that no state knows. */
import {
  type EC2Client,
  paginateDescribeImportSnapshotTasks,
  paginateDescribeSnapshots,
} from "@aws-sdk/client-ec2";
import pRetry from "p-retry";
import { ownerTag } from "../rules.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { volumeGrantees } from "../api/volume-grantees.ts";
import type { Sweep } from "./orphans.ts";
import type { OwnedResources } from "./owned-resources.ts";
import { deleteSnapshot, isUsed, patience } from "./snapshot-calls.ts";

/** Begun in this stack's name. */
interface Begun {
  snapshotId: string;
  what: string;
}

/** Deletes those that are private and that no image is made of. */
export async function sweepSnapshots({ client, region, ours, swept, requireAlone }: Sweep): Promise<void> {
  const begun = [...(await importedOnes(client, region, ours)), ...(await writtenOnes(client, region, ours))];
  const byId = new Map(begun.map((one) => [one.snapshotId, one]));
  for (const { snapshotId, what } of byId.values()) {
    if (ours.recorded.has(snapshotId)) continue;
    const grantees = await volumeGrantees(client, snapshotId);
    if (grantees === undefined || (await isUsed(client, snapshotId))) continue;
    if (grantees.length > 0) {
      swept.leftAlone.push(`${what} is shared, and in no state: delete it by hand`);
      continue;
    }
    requireAlone();
    await deleteSnapshot(client, snapshotId);
    swept.deleted.push(`${what}: private, and in no state`);
  }
}

interface TagOf {
  Key?: string | undefined;
  Value?: string | undefined;
}
const ownerOf = (tags: readonly TagOf[] = []): string =>
  tags.find(({ Key }) => Key === ownerTag)?.Value ?? "";

/** Of imports whose end nobody saw: until then an import has no id that a state could know, and its snapshot no tags. */
async function importedOnes(client: EC2Client, region: string, ours: OwnedResources): Promise<Begun[]> {
  const begun: Begun[] = [];
  for await (const page of paginateDescribeImportSnapshotTasks({ client }, {})) {
    for (const { ImportTaskId = "", Tags } of page.ImportSnapshotTasks ?? []) {
      if (!ownerOf(Tags).startsWith(ours.owner)) continue;
      const snapshotId = await snapshotOf(client, ImportTaskId);
      if (snapshotId === undefined) continue;
      begun.push({ snapshotId, what: `snapshot ${snapshotId} in ${region}, of ${ImportTaskId}` });
    }
  }
  return begun;
}

/** The snapshot of an import that has ended; undefined where it made none. */
async function snapshotOf(client: EC2Client, taskId: string): Promise<string | undefined> {
  return await pRetry(async () => {
    for await (const page of paginateDescribeImportSnapshotTasks({ client }, { ImportTaskIds: [taskId] })) {
      const detail = page.ImportSnapshotTasks?.find(
        ({ ImportTaskId }) => ImportTaskId === taskId,
      )?.SnapshotTaskDetail;
      if (detail?.Status === "active" || detail?.Status === "pending") {
        throw new UserError(
          "aws-still-pending",
          `import ${taskId} is still under way`,
          "run recover again later",
          { where: taskId },
        );
      }
      return detail?.Status === "completed" ? detail.SnapshotId : undefined;
    }
    return undefined;
  }, patience);
}

/** Written directly; not those that the next `up` goes on with, as they were asked for just as it would ask. */
async function writtenOnes(client: EC2Client, region: string, ours: OwnedResources): Promise<Begun[]> {
  const begun: Begun[] = [];
  const Filters = [{ Name: `tag:${ownerTag}`, Values: [`${ours.owner}*`] }];
  for await (const page of paginateDescribeSnapshots({ client }, { OwnerIds: ["self"], Filters })) {
    for (const { SnapshotId: snapshotId = "", Tags = [], Description } of page.Snapshots ?? []) {
      const owner = ownerOf(Tags);
      if (!owner.startsWith(ours.owner)) continue;
      const awaited = ours.awaited.get(owner);
      const found = Tags.filter(({ Key = "" }) => !Key.startsWith("alpine:"));
      const isAwaited =
        awaited !== undefined &&
        awaited.description === Description &&
        Object.keys(awaited.tags).length === found.length &&
        found.every(({ Key = "", Value }) => awaited.tags[Key] === Value);
      if (isAwaited) continue;
      begun.push({ snapshotId, what: `snapshot ${snapshotId} in ${region}, of ${owner}` });
    }
  }
  return begun;
}
