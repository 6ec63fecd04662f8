/** What Ami and AmiCopy have in common, as in the real provider: everything except their creation. */
import type { ShownImage } from "../cloud/describe.ts";
import { asState, doing, isMissing, poll, tagMap, updateEc2Tags, type Api } from "../resource.ts";
import type { Property, Values } from "../schema.ts";

/** EC2 rounds to minutes, so times within half a minute are equal. */
export const deprecationTime: Property = {
  kind: "string",
  same: (old, new_) => minute(old) === minute(new_),
};

const minute = (value: unknown): number => Math.round(Date.parse(String(value)) / 60_000);

export const imageOutputs = [
  "arn",
  "hypervisor",
  "imageOwnerAlias",
  "imageType",
  "lastLaunchedTime",
  "manageEbsSnapshots",
  "ownerId",
  "platform",
  "platformDetails",
  "public",
  "rootSnapshotId",
  "tagsAll",
  "usageOperation",
];

async function findImage(api: Api, id: string): Promise<ShownImage | undefined> {
  try {
    return (await api.call("DescribeImages", { ImageIds: [id] })).Images[0];
  } catch (error) {
    if (isMissing(error, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")) return undefined;
    throw error;
  }
}

/** A new image is invisible at first, so until it is available "not found" means "not yet". */
async function availableImage(api: Api, id: string): Promise<ShownImage> {
  return await poll(`waiting for EC2 AMI (${id}) create`, async () => {
    const image = await findImage(api, id);
    return image?.State === "available" ? image : undefined;
  });
}

interface Deprecable {
  deprecationTime?: string | undefined;
  tags?: Record<string, string> | undefined;
}

/** The steps after the call that made the image: tags, the wait until it is available, and the deprecation. */
export async function completeImage(api: Api, id: string, inputs: Deprecable): Promise<void> {
  await doing(`setting EC2 AMI (${id}) tags`, () => updateEc2Tags(api, id, {}, inputs.tags));
  await availableImage(api, id);
  if (inputs.deprecationTime) await deprecate(api, id, inputs.deprecationTime);
}

async function deprecate(api: Api, id: string, at: string): Promise<void> {
  await doing("enabling deprecation", () =>
    api.call("EnableImageDeprecation", { ImageId: id, DeprecateAt: at }),
  );
}

export async function readImage(api: Api, id: string): Promise<Values | undefined> {
  const seen = await findImage(api, id);
  if (seen === undefined) return undefined;
  const image = seen.State === "available" ? seen : await availableImage(api, id);
  const devices = image.BlockDeviceMappings.map(({ DeviceName, Ebs }) => ({
    deviceName: DeviceName,
    snapshotId: Ebs.SnapshotId,
    volumeType: Ebs.VolumeType,
    volumeSize: Ebs.VolumeSize,
    deleteOnTermination: Ebs.DeleteOnTermination,
    encrypted: Ebs.Encrypted,
    iops: Ebs.Iops,
    throughput: Ebs.Throughput,
  }));
  const root = devices.find(({ deviceName }) => deviceName === image.RootDeviceName);
  return asState({
    architecture: image.Architecture,
    arn: `arn:aws:ec2:${api.region}::image/${id}`,
    bootMode: image.BootMode,
    deprecationTime: image.DeprecationTime,
    description: image.Description,
    ebsBlockDevices: devices,
    enaSupport: image.EnaSupport,
    hypervisor: image.Hypervisor,
    imageLocation: image.ImageLocation,
    imageType: image.ImageType,
    imdsSupport: image.ImdsSupport,
    name: image.Name,
    ownerId: image.OwnerId,
    platformDetails: image.PlatformDetails,
    public: image.Public,
    rootDeviceName: image.RootDeviceName,
    rootSnapshotId: root?.snapshotId,
    sriovNetSupport: image.SriovNetSupport,
    tags: tagMap(image.Tags),
    tagsAll: tagMap(image.Tags),
    tpmSupport: image.TpmSupport,
    usageOperation: image.UsageOperation,
    virtualizationType: image.VirtualizationType,
  });
}

interface Changeable extends Deprecable {
  description?: string | undefined;
}

/** Description, deprecation and tags change in place; nothing else does. */
export async function updateImage(api: Api, id: string, olds: Changeable, news: Changeable): Promise<void> {
  await doing(`updating EC2 AMI (${id})`, async () => {
    if ((olds.description ?? "") !== (news.description ?? "")) {
      await api.call("ModifyImageAttribute", { ImageId: id, Description: { Value: news.description ?? "" } });
    }
    if (!sameMinute(olds.deprecationTime, news.deprecationTime)) {
      if (news.deprecationTime) await deprecate(api, id, news.deprecationTime);
      else await doing("disabling deprecation", () => api.call("DisableImageDeprecation", { ImageId: id }));
    }
    await updateEc2Tags(api, id, olds.tags, news.tags);
  });
}

function sameMinute(old: string | undefined, new_: string | undefined): boolean {
  return old && new_ ? minute(old) === minute(new_) : !old && !new_;
}

/** Deregisters the image, and deletes the snapshots that the resource made. */
export async function deleteImage(api: Api, id: string, state: Values): Promise<void> {
  try {
    await doing(`deregistering EC2 AMI (${id})`, () => api.call("DeregisterImage", { ImageId: id }));
  } catch (error) {
    // As in the real provider, its snapshots are then orphaned.
    if (isMissing(error, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")) return;
    throw error;
  }
  if (state["manageEbsSnapshots"] !== true) return;
  const devices = (state["ebsBlockDevices"] ?? []) as { snapshotId?: string }[];
  for (const { snapshotId } of devices) {
    if (snapshotId === undefined) continue;
    await doing("Errors while deleting associated EBS snapshots", () =>
      api.call("DeleteSnapshot", { SnapshotId: snapshotId }),
    );
  }
}
