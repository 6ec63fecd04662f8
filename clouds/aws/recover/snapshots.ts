/** Deletes snapshots that no state knows, although a run of this stack imported or wrote them. */
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

/** A snapshot that was started in this stack's name. */
interface Begun {
  snapshotId: string;
  what: string;
}

/** Deletes the snapshots that are private and that no image uses. */
export async function sweepSnapshots({ client, region, ours, swept, requireAlone }: Sweep): Promise<void> {
  const begun = [...(await importedOnes(client, region, ours)), ...(await writtenOnes(client, region, ours))];
  const byId = new Map(begun.map((one) => [one.snapshotId, one]));
  for (const { snapshotId, what } of byId.values()) {
    if (ours.recorded.has(snapshotId)) continue;
    const grantees = await volumeGrantees(client, snapshotId);
    if (grantees === undefined || (await isUsed(client, snapshotId))) continue;
    if (grantees.length > 0) {
      swept.leftAlone.push(`${what} is shared, but not in the state: delete it by hand`);
      continue;
    }
    requireAlone();
    await deleteSnapshot(client, snapshotId);
    swept.deleted.push(`${what}: private, and not in the state`);
  }
}

interface TagOf {
  Key?: string | undefined;
  Value?: string | undefined;
}
const ownerOf = (tags: readonly TagOf[] = []): string =>
  tags.find(({ Key }) => Key === ownerTag)?.Value ?? "";

/**
 * Snapshots of imports that no run saw finish. Until an import is finished, a state does not know its id, and its
 * snapshot has no tags.
 */
async function importedOnes(client: EC2Client, region: string, ours: OwnedResources): Promise<Begun[]> {
  const begun: Begun[] = [];
  for await (const page of paginateDescribeImportSnapshotTasks({ client }, {})) {
    for (const { ImportTaskId = "", Tags } of page.ImportSnapshotTasks ?? []) {
      if (!ownerOf(Tags).startsWith(ours.owner)) continue;
      const snapshotId = await snapshotOf(client, ImportTaskId);
      if (snapshotId === undefined) continue;
      begun.push({ snapshotId, what: `snapshot ${snapshotId} in ${region} of ${ImportTaskId}` });
    }
  }
  return begun;
}

/** The snapshot of a finished import. Undefined if the import made none. */
async function snapshotOf(client: EC2Client, taskId: string): Promise<string | undefined> {
  return await pRetry(async () => {
    for await (const page of paginateDescribeImportSnapshotTasks({ client }, { ImportTaskIds: [taskId] })) {
      const detail = page.ImportSnapshotTasks?.find(
        ({ ImportTaskId }) => ImportTaskId === taskId,
      )?.SnapshotTaskDetail;
      if (detail?.Status === "active" || detail?.Status === "pending") {
        throw new UserError(
          "aws-still-pending",
          `import ${taskId} is still in progress`,
          "run recover again later",
          { where: taskId },
        );
      }
      return detail?.Status === "completed" ? detail.SnapshotId : undefined;
    }
    return undefined;
  }, patience);
}

/** Snapshots that were written directly, except those that the next `up` resumes because it would send the same request. */
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
      begun.push({ snapshotId, what: `snapshot ${snapshotId} in ${region} of ${owner}` });
    }
  }
  return begun;
}
