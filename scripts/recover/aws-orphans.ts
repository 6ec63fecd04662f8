/**
 * What a run that was killed, or that failed between an effect and its answer, has left on AWS: AMIs and snapshots that no
 * state knows. Those that are ours by name and tags, and private, are deleted, for neither an import nor a copy can be taken
 * over; the next `up` makes them again. Nothing that is public or shared is touched, nor anything that might be another's.
 */
import {
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImageAttributeCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
  type Image,
  paginateDescribeImages,
  paginateDescribeImportSnapshotTasks,
} from "@aws-sdk/client-ec2";
import { setTimeout } from "node:timers/promises";
import pRetry from "p-retry";
import { ec2Client } from "../aws/clients.ts";
import { everywhere } from "../aws/everywhere.ts";
import { codesOf, explained } from "../aws/explain.ts";
import { UserError } from "../lib/user-error.ts";
import { imagesIn, type PlannedImage, plannedRegions, type PublishPlan } from "../preflight/plan.ts";

/** What was found, a sentence each. */
export interface Swept {
  deleted: string[];
  leftAlone: string[];
}

/** Copies and imports that are under way are waited for: they cannot be taken back, only deleted when they are there. */
const patience = {
  retries: 400,
  factor: 1.2,
  minTimeout: 500,
  maxTimeout: 15_000,
  maxRetryTime: 90 * 60_000,
};

/**
 * Deletes what is nobody's, region by region.
 * @param recorded ids of all that the stack's state knows: AMIs and snapshots
 */
export async function sweepOrphans(plan: PublishPlan, recorded: ReadonlySet<string>): Promise<Swept> {
  const swept: Swept = { deleted: [], leftAlone: [] };
  const { region: home, double, importMethod } = plan.settings;
  await everywhere(plannedRegions(plan), ({ name: region }) =>
    explained(`look for what was left in ${region}`, async () => {
      const client = await ec2Client({ region, double });
      // The home region's snapshots are resources of their own; a copy's come and go with it.
      await sweepImages(client, region, region !== home, plan, recorded, swept);
      if (region === home && importMethod === "vmimport")
        await sweepImports(client, region, plan, recorded, swept);
    }),
  );
  return swept;
}

async function sweepImages(
  client: EC2Client,
  region: string,
  withSnapshots: boolean,
  plan: PublishPlan,
  recorded: ReadonlySet<string>,
  swept: Swept,
): Promise<void> {
  const planned = new Map(imagesIn(plan, region).map((image) => [image.name, image]));
  for (const { ImageId = "", Name = "" } of await imagesNamed(client, [...planned.keys()])) {
    if (recorded.has(ImageId)) continue;
    const what = `${Name} (${ImageId} in ${region})`;
    const image = await whenSettled(client, ImageId, what);
    if (image === undefined) continue;
    if (!mayBeOurs(image, planned.get(Name)!)) {
      swept.leftAlone.push(`${what} has another project's tags`);
      continue;
    }
    if (await isShared(client, image)) {
      swept.leftAlone.push(
        `${what} is public or shared, and in no state: import it, or deregister it by hand`,
      );
      continue;
    }
    await client.send(new DeregisterImageCommand({ ImageId }));
    const devices = withSnapshots ? (image.BlockDeviceMappings ?? []) : [];
    for (const { Ebs } of devices)
      if (Ebs?.SnapshotId !== undefined) await deleteSnapshot(client, Ebs.SnapshotId);
    swept.deleted.push(what);
  }
}

/** Snapshots of imports whose end nobody saw: until then an import has no id that a state could know. */
async function sweepImports(
  client: EC2Client,
  region: string,
  plan: PublishPlan,
  recorded: ReadonlySet<string>,
  swept: Swept,
): Promise<void> {
  const names = plan.images.map(({ name }) => name);
  for (const taskId of await ownImports(client, plan.settings.bucket, names)) {
    const snapshotId = await snapshotOf(client, taskId);
    if (snapshotId === undefined || recorded.has(snapshotId)) continue;
    if (!(await exists(client, snapshotId)) || (await isUsed(client, snapshotId))) continue;
    const what = `snapshot ${snapshotId} in ${region}, of ${taskId}`;
    const { CreateVolumePermissions = [] } = await client.send(
      new DescribeSnapshotAttributeCommand({ SnapshotId: snapshotId, Attribute: "createVolumePermission" }),
    );
    if (CreateVolumePermissions.length > 0) {
      swept.leftAlone.push(`${what} is shared, and in no state: delete it by hand`);
      continue;
    }
    await deleteSnapshot(client, snapshotId);
    swept.deleted.push(what);
  }
}

/** EC2 does not show at once what was made a moment ago, so it is asked again: looks, and milliseconds between them. */
const looks = 3;
const pause = 1000;

/** The account's own images of these names. */
async function imagesNamed(client: EC2Client, names: readonly string[]): Promise<Image[]> {
  const found = new Map<string | undefined, Image>();
  const Filters = [{ Name: "name", Values: [...names] }];
  for (let look = 0; look < looks; look += 1) {
    if (look > 0) await setTimeout(pause);
    for await (const page of paginateDescribeImages({ client }, { Owners: ["self"], Filters })) {
      for (const image of page.Images ?? []) found.set(image.ImageId, image);
    }
  }
  return [...found.values()].filter(({ Name = "" }) => names.includes(Name));
}

/** An image that is no longer on its way; undefined where it is gone. */
async function whenSettled(client: EC2Client, imageId: string, what: string): Promise<Image | undefined> {
  return await pRetry(async () => {
    let found: Image | undefined;
    const Filters = [{ Name: "image-id", Values: [imageId] }];
    for await (const page of paginateDescribeImages({ client }, { Owners: ["self"], Filters })) {
      found ??= page.Images?.find(({ ImageId }) => ImageId === imageId);
    }
    if (found?.State === "pending")
      throw new UserError(`${what} is still being made`, "run recover again later");
    return found;
  }, patience);
}

/** What the provider had no time to tag has none: then its name alone says whose it is. */
function mayBeOurs({ Tags = [] }: Image, { tags }: PlannedImage): boolean {
  return (
    Tags.length === 0 ||
    Object.entries(tags).every(([key, value]) => Tags.some((tag) => tag.Key === key && tag.Value === value))
  );
}

async function isShared(client: EC2Client, { ImageId, Public }: Image): Promise<boolean> {
  if (Public === true) return true;
  const { LaunchPermissions = [] } = await client.send(
    new DescribeImageAttributeCommand({ ImageId, Attribute: "launchPermission" }),
  );
  return LaunchPermissions.length > 0;
}

/** Imports of objects that our upload names: `aws_NAME-CONTENT.vhd`. */
async function ownImports(client: EC2Client, bucket: string, names: readonly string[]): Promise<string[]> {
  const tasks: string[] = [];
  for await (const page of paginateDescribeImportSnapshotTasks({ client }, {})) {
    for (const { ImportTaskId, SnapshotTaskDetail } of page.ImportSnapshotTasks ?? []) {
      const { S3Bucket, S3Key = "" } = SnapshotTaskDetail?.UserBucket ?? {};
      const name = /^(?:[a-z]+_)?(.+)-[0-9a-f]{16}\.[a-z.]+$/.exec(S3Key)?.[1];
      if (ImportTaskId === undefined || S3Bucket !== bucket || name === undefined) continue;
      if (names.includes(name)) tasks.push(ImportTaskId);
    }
  }
  return tasks;
}

/** The snapshot of an import that has ended; undefined where it made none. */
async function snapshotOf(client: EC2Client, taskId: string): Promise<string | undefined> {
  return await pRetry(async () => {
    for await (const page of paginateDescribeImportSnapshotTasks({ client }, { ImportTaskIds: [taskId] })) {
      const detail = page.ImportSnapshotTasks?.find(
        ({ ImportTaskId }) => ImportTaskId === taskId,
      )?.SnapshotTaskDetail;
      if (detail?.Status === "active" || detail?.Status === "pending") {
        throw new UserError(`import ${taskId} is still under way`, "run recover again later");
      }
      return detail?.Status === "completed" ? detail.SnapshotId : undefined;
    }
    return undefined;
  }, patience);
}

async function exists(client: EC2Client, snapshotId: string): Promise<boolean> {
  try {
    await client.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
    return true;
  } catch (error) {
    if (codesOf(error).includes("InvalidSnapshot.NotFound")) return false;
    throw error;
  }
}

async function isUsed(client: EC2Client, snapshotId: string): Promise<boolean> {
  const Filters = [{ Name: "block-device-mapping.snapshot-id", Values: [snapshotId] }];
  for await (const page of paginateDescribeImages({ client }, { Owners: ["self"], Filters })) {
    const uses = (page.Images ?? []).flatMap(({ BlockDeviceMappings = [] }) => BlockDeviceMappings);
    if (uses.some(({ Ebs }) => Ebs?.SnapshotId === snapshotId)) return true;
  }
  return false;
}

async function deleteSnapshot(client: EC2Client, SnapshotId: string): Promise<void> {
  try {
    await client.send(new DeleteSnapshotCommand({ SnapshotId }));
  } catch (error) {
    if (!codesOf(error).includes("InvalidSnapshot.NotFound")) throw error;
  }
}
