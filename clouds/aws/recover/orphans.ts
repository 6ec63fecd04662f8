/**
 * What a run that was killed, or that failed between an effect and its answer, has left on AWS: AMIs and snapshots that no
 * state knows. An account can be several stacks', and names and tags are the same in each that declares the same entry. So only that
 * is deleted which this stack must have made: an AMI of a snapshot that its state has, a copy of an AMI that its state has, a
 * snapshot that was begun in its name. Neither an import nor a copy can be taken over; the next `up` makes them again.
 * Nothing that is public or shared is touched, but for a snapshot whose copy the stack had and wants no more.
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

/** What was found, a sentence each. */
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
  /** To be called before each deletion: it throws where somebody else is at work on the stack. */
  requireAlone: () => void;
}

/** Deletes what is nobody's, region by region. */
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
      // Disks come to the home region alone.
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
        `${what} was made of nothing that this stack's state has: another stack's, or to be deregistered by hand`,
      );
      continue;
    }
    if (await isShared(client, image)) {
      swept.leftAlone.push(
        `${what} is public or shared, and in no state: import it, or deregister it by hand`,
      );
      continue;
    }
    requireAlone();
    await client.send(new DeregisterImageCommand({ ImageId }));
    // A copy's snapshots come and go with it; the imported one is a resource of its own.
    for (const id of snapshotsOf(image)) if (!recorded.has(id)) await deleteSnapshot(client, id);
    swept.deleted.push(`${what}: private, and in no state`);
  }
}

const snapshotsOf = ({ BlockDeviceMappings = [] }: Image): string[] =>
  BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);

function isMadeOf(image: Image, recorded: ReadonlySet<string>): boolean {
  return [image.SourceImageId ?? "", ...snapshotsOf(image)].some((id) => recorded.has(id));
}

/**
 * Snapshots of copies that the state has and that are deregistered: their deletion was cut off in the middle, and the provider
 * takes a copy without an image for gone. Where the stack wants the copy no more, sharing it was over, too.
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
      const what = `snapshot ${snapshotId} in ${region}, of ${name}, which is deregistered`;
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

/** EC2 does not show at once what was made a moment ago, so it is asked again: looks, and milliseconds between them. */
const looks = 3;
const pause = 1000;
/** As many values a filter takes at most (EC2 API, "Filter"). */
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

/** An image that is no longer on its way; undefined where it is gone. */
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
