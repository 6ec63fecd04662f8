/**
 * Deletes AMIs and snapshots that no state knows: a run left them on AWS because it was killed, or failed between an
 * effect and its response. Several stacks can share an account, and stacks that declare the same entry use the same
 * names and tags. So recover deletes only what this stack must have made: an AMI of a snapshot in its state, a copy of
 * an AMI in its state, and a snapshot that was started in its name. Imports and copies cannot be adopted; the next `up`
 * makes them again. Public or shared things are left alone, except the snapshot of a copy that the stack had and no
 * longer declares.
 */
import {
  DeregisterImageCommand,
  type EC2Client,
  type Image,
  paginateDescribeImages,
} from "@aws-sdk/client-ec2";
import { setTimeout } from "node:timers/promises";
import pRetry from "p-retry";
import { ec2Client } from "../api/clients.ts";
import { forEachRegion } from "../../../src/lib/for-each-region.ts";
import { withAwsErrors } from "../api/errors.ts";
import { launchPermissions } from "../api/launch-permissions.ts";
import { volumeGrantees } from "../api/volume-grantees.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { sweepSnapshots } from "./snapshots.ts";
import { isDeclaredIn, type OwnedResources, snapshotsOfCopy } from "./owned-resources.ts";
import { deleteSnapshot, isUsed, patience } from "./snapshot-calls.ts";

/** What was found, one sentence each. */
export interface Swept {
  deleted: string[];
  leftAlone: string[];
}

/** A region that is swept. */
export interface Sweep {
  client: EC2Client;
  region: string;
  ours: OwnedResources;
  swept: Swept;
  /** Call it before each deletion: it throws if another run of the stack has started. */
  requireAlone: () => void;
}

/** Deletes orphans, region by region. */
export async function sweepOrphans(
  ours: OwnedResources,
  emulator: boolean,
  requireAlone: () => void,
): Promise<Swept> {
  const swept: Swept = { deleted: [], leftAlone: [] };
  await forEachRegion(ours.regions, (region) =>
    withAwsErrors(`look for what was left in ${region}`, async () => {
      const sweep: Sweep = {
        client: await ec2Client({ region, emulator }),
        region,
        ours,
        swept,
        requireAlone,
      };
      await Promise.all([sweepImages(sweep), sweepCopiesRemains(sweep)]);
      // Disks are imported only in the home region.
      if (region === ours.regions[0]) await sweepSnapshots(sweep);
    }),
  );
  return swept;
}

async function sweepImages({ client, region, ours, swept, requireAlone }: Sweep): Promise<void> {
  const { names, recorded } = ours;
  const found = await imagesBy(client, "name", [...names]);
  for (const { ImageId = "", Name = "" } of found) {
    if (!names.has(Name) || recorded.has(ImageId)) continue;
    const what = `${Name} (${ImageId} in ${region})`;
    const image = await whenSettled(client, ImageId, what);
    if (image === undefined) continue;
    if (!isMadeOf(image, recorded)) {
      swept.leftAlone.push(
        `${what} was not made from anything in this stack's state: it belongs to another stack, or must be deregistered by hand`,
      );
      continue;
    }
    if (await isShared(client, image)) {
      swept.leftAlone.push(
        `${what} is public or shared, but not in the state: import it, or deregister it by hand`,
      );
      continue;
    }
    requireAlone();
    await client.send(new DeregisterImageCommand({ ImageId }));
    // A copy's snapshots belong to the copy. The imported snapshot is a separate resource.
    for (const id of snapshotsOf(image)) if (!recorded.has(id)) await deleteSnapshot(client, id);
    swept.deleted.push(`${what}: private, and not in the state`);
  }
}

const snapshotsOf = ({ BlockDeviceMappings = [] }: Image): string[] =>
  BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);

function isMadeOf(image: Image, recorded: ReadonlySet<string>): boolean {
  return [image.SourceImageId ?? "", ...snapshotsOf(image)].some((id) => recorded.has(id));
}

/**
 * Deletes snapshots of copies that are in the state but deregistered: their deletion was interrupted, and the provider
 * considers a copy without an image gone. If the stack no longer declares the copy, sharing it has ended too.
 */
async function sweepCopiesRemains({ client, region, ours, swept, requireAlone }: Sweep): Promise<void> {
  const copies = ours.images.filter((image) => image.region === region && snapshotsOfCopy(image).length > 0);
  const found = await imagesBy(
    client,
    "image-id",
    copies.map(({ id }) => id),
  );
  const there = new Set(found.map(({ ImageId }) => ImageId));
  for (const copy of copies.filter(({ id }) => !there.has(id))) {
    const name = String(copy.entry.inputs?.["name"]);
    for (const snapshotId of snapshotsOfCopy(copy)) {
      const grantees = await volumeGrantees(client, snapshotId);
      if (grantees === undefined || (await isUsed(client, snapshotId))) continue;
      const what = `snapshot ${snapshotId} in ${region} of ${name}, which is deregistered`;
      if (grantees.length > 0 && isDeclaredIn(ours, name, region)) {
        swept.leftAlone.push(`${what}, is shared: delete it by hand`);
        continue;
      }
      requireAlone();
      await deleteSnapshot(client, snapshotId);
      swept.deleted.push(what);
    }
  }
}

/** EC2 does not show new images at once, so queries are repeated. Number of attempts, and milliseconds between them. */
const looks = 3;
const pause = 1000;
/** The maximum number of values in a filter (EC2 API, "Filter"). */
const filterValues = 200;

/** The account's own images with one of these names or ids. */
async function imagesBy(
  client: EC2Client,
  filter: "name" | "image-id",
  values: readonly string[],
): Promise<Image[]> {
  const found = new Map<string | undefined, Image>();
  for (let look = 0; look < looks && values.length > 0; look += 1) {
    if (look > 0) await setTimeout(pause);
    for (let from = 0; from < values.length; from += filterValues) {
      const Filters = [{ Name: filter, Values: values.slice(from, from + filterValues) }];
      for await (const page of paginateDescribeImages({ client }, { Owners: ["self"], Filters })) {
        for (const image of page.Images ?? []) found.set(image.ImageId, image);
      }
    }
  }
  return [...found.values()];
}

/** Waits until an image is no longer pending. Undefined if it is gone. */
async function whenSettled(client: EC2Client, imageId: string, what: string): Promise<Image | undefined> {
  return await pRetry(async () => {
    let found: Image | undefined;
    const Filters = [{ Name: "image-id", Values: [imageId] }];
    for await (const page of paginateDescribeImages({ client }, { Owners: ["self"], Filters })) {
      found ??= page.Images?.find(({ ImageId }) => ImageId === imageId);
    }
    if (found?.State === "pending")
      throw new UserError("aws-still-pending", `${what} is still being made`, "run recover again later", {
        where: imageId,
      });
    return found;
  }, patience);
}

async function isShared(client: EC2Client, { ImageId = "", Public }: Image): Promise<boolean> {
  if (Public === true) return true;
  return (await launchPermissions(client, ImageId)).length > 0;
}
