/** Describes images, snapshots and tasks: the responses of describe calls, in the SDK's names. */
import { AwsError } from "./aws-error.ts";
import { isPublic, pollImages } from "./images.ts";
import { findSnapshot, pollImport } from "./snapshots.ts";
import type { Image, ImportTask, Snapshot, Tags } from "./state.ts";
import type { World } from "./world.ts";

export interface Filter {
  Name?: string;
  Values?: string[];
}

const tagList = (tags: Tags): { Key: string; Value: string }[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** Whether something passes every filter; `*` and `?` in values are wildcards, as in EC2. */
function passes(
  filters: readonly Filter[] = [],
  facts: Record<string, string | undefined>,
  tags: Tags,
): boolean {
  return filters.every(({ Name = "", Values = [] }) => {
    const fact = Name.startsWith("tag:") ? tags[Name.slice(4)] : facts[Name];
    if (!Name.startsWith("tag:") && !(Name in facts)) {
      throw new AwsError("InvalidParameterValue", `The filter '${Name}' is invalid`);
    }
    return Values.some((value) => fact !== undefined && wildcard(value).test(fact));
  });
}

function wildcard(value: string): RegExp {
  const escaped = value.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}

/** The emulator knows only this account's images. */
const isOwner = (world: World, owners: readonly string[] | undefined): boolean =>
  owners === undefined || owners.includes("self") || owners.includes(world.account);

export interface DescribeImagesParams {
  ImageIds?: string[];
  Owners?: string[];
  Filters?: Filter[];
}

export type ShownImage = ReturnType<typeof shownImage>;

export function describeImages(world: World, params: DescribeImagesParams): { Images: ShownImage[] } {
  const seen = pollImages(world, params.ImageIds);
  if (params.ImageIds !== undefined && seen.length < params.ImageIds.length) {
    const hidden = params.ImageIds.filter((id) => !seen.some(({ imageId }) => imageId === id));
    throw new AwsError("InvalidAMIID.NotFound", `The image id '[${hidden.join(", ")}]' does not exist`);
  }
  if (!isOwner(world, params.Owners)) return { Images: [] };
  const Images = seen.map((image) => shownImage(world, image));
  const facts = (image: ShownImage): Record<string, string | undefined> => ({
    name: image.Name,
    state: image.State,
    architecture: image.Architecture,
    "image-id": image.ImageId,
    "is-public": String(image.Public),
    "owner-id": image.OwnerId,
    description: image.Description,
    "boot-mode": image.BootMode,
    "root-device-name": image.RootDeviceName,
    "virtualization-type": image.VirtualizationType,
    "block-device-mapping.snapshot-id": image.BlockDeviceMappings[0]?.Ebs.SnapshotId,
  });
  const tags = (image: ShownImage): Tags =>
    Object.fromEntries(image.Tags.map(({ Key, Value }) => [Key, Value]));
  return { Images: Images.filter((image) => passes(params.Filters, facts(image), tags(image))) };
}

function shownImage(world: World, image: Image) {
  return {
    ImageId: image.imageId,
    Name: image.name,
    Description: image.description,
    State: image.polls > 0 ? "pending" : "available",
    OwnerId: world.account,
    Public: isPublic(image),
    CreationDate: image.creationDate,
    Architecture: image.architecture,
    BootMode: image.bootMode,
    VirtualizationType: image.virtualizationType,
    Hypervisor: "xen",
    ImageType: "machine",
    ImageLocation: `${world.account}/${image.name}`,
    PlatformDetails: "Linux/UNIX",
    UsageOperation: "RunInstances",
    RootDeviceType: "ebs",
    RootDeviceName: image.rootDeviceName,
    EnaSupport: image.enaSupport,
    SriovNetSupport: image.sriovNetSupport,
    ImdsSupport: image.imdsSupport,
    TpmSupport: image.tpmSupport,
    DeprecationTime: image.deprecationTime,
    SourceImageId: image.sourceImageId,
    SourceImageRegion: image.sourceRegion,
    BlockDeviceMappings: image.blockDevices.map((device) => ({
      DeviceName: device.deviceName,
      Ebs: {
        SnapshotId: device.snapshotId,
        VolumeType: device.volumeType,
        VolumeSize: device.volumeSize,
        DeleteOnTermination: device.deleteOnTermination,
        Encrypted: device.encrypted,
        Iops: device.iops,
        Throughput: device.throughput,
      },
    })),
    Tags: tagList(image.tags),
  };
}

export interface DescribeSnapshotsParams {
  SnapshotIds?: string[];
  OwnerIds?: string[];
  Filters?: Filter[];
}

export type ShownSnapshot = ReturnType<typeof shownSnapshot>;

export function describeSnapshots(
  world: World,
  params: DescribeSnapshotsParams,
): { Snapshots: ShownSnapshot[] } {
  const asked =
    params.SnapshotIds?.map((id) => findSnapshot(world, id)) ?? Object.values(world.region.snapshots);
  if (!isOwner(world, params.OwnerIds)) return { Snapshots: [] };
  for (const snapshot of asked) {
    // A snapshot of an import or a copy progresses with it, a directly written one by itself.
    const isWritten = snapshot.blocks !== undefined && snapshot.isBeingWritten === undefined;
    if (isWritten) snapshot.polls = Math.max(0, snapshot.polls - 1);
  }
  const shown = asked.filter((snapshot) => {
    const facts = {
      "snapshot-id": snapshot.snapshotId,
      description: snapshot.description,
      "owner-id": world.account,
      status: snapshot.polls > 0 ? "pending" : "completed",
      encrypted: String(snapshot.encrypted),
      "volume-size": String(snapshot.volumeSizeGib),
    };
    return passes(params.Filters, facts, snapshot.tags);
  });
  return { Snapshots: shown.map((snapshot) => shownSnapshot(world, snapshot)) };
}

function shownSnapshot(world: World, snapshot: Snapshot) {
  return {
    SnapshotId: snapshot.snapshotId,
    Description: snapshot.description,
    State: snapshot.polls > 0 ? "pending" : "completed",
    Progress: snapshot.polls > 0 ? "50%" : "100%",
    OwnerId: world.account,
    StartTime: snapshot.startTime,
    VolumeSize: snapshot.volumeSizeGib,
    VolumeId: "vol-ffffffff",
    Encrypted: snapshot.encrypted,
    KmsKeyId: snapshot.kmsKeyId,
    StorageTier: "standard",
    Tags: tagList(snapshot.tags),
  };
}

export interface DescribeImportSnapshotTasksParams {
  ImportTaskIds?: string[];
  Filters?: Filter[];
}

export type ShownTask = ReturnType<typeof shownTask>;

export function describeImportSnapshotTasks(
  world: World,
  params: DescribeImportSnapshotTasksParams,
): { ImportSnapshotTasks: ShownTask[] } {
  const ids = params.ImportTaskIds ?? Object.keys(world.region.importTasks);
  const tasks = ids
    .map((id) => pollImport(world, id))
    .filter((task) => passes(params.Filters, { "task-state": taskStatus(task) }, task.tags));
  return { ImportSnapshotTasks: tasks.map((task) => shownTask(task)) };
}

/** A failed task becomes `deleted`, with a message. There is no separate state for failures. */
function taskStatus(task: ImportTask): string {
  if (task.polls > 0) return "active";
  return task.failure === undefined ? "completed" : "deleted";
}

function shownTask(task: ImportTask) {
  const Status = taskStatus(task);
  return {
    ImportTaskId: task.importTaskId,
    Description: task.description,
    SnapshotTaskDetail: {
      Status,
      Format: task.format,
      Description: task.description,
      Progress: Status === "active" ? "19" : undefined,
      SnapshotId: Status === "completed" ? task.snapshotId : undefined,
      StatusMessage: Status === "deleted" ? task.failure : Status === "active" ? "pending" : undefined,
      UserBucket: { S3Bucket: task.content.bucket, S3Key: task.content.key },
    },
    Tags: tagList(task.tags),
  };
}

export function describeRegions(
  world: World,
  params: { AllRegions?: boolean; RegionNames?: string[] },
): { Regions: { RegionName: string; Endpoint: string; OptInStatus: string }[] } {
  const names = params.RegionNames ?? (params.AllRegions ? knownRegions : world.enabledRegions);
  const Regions = names.map((RegionName) => ({
    RegionName,
    Endpoint: `ec2.${RegionName}.amazonaws.com`,
    OptInStatus: optInStatus(world, RegionName),
  }));
  return { Regions };
}

function optInStatus(world: World, region: string): string {
  if (!knownRegions.includes(region)) {
    throw new AwsError("InvalidParameterValue", `Invalid region name: ${region}`);
  }
  if (regionsWithoutOptIn.includes(region)) return "opt-in-not-required";
  return world.enabledRegions.includes(region) ? "opted-in" : "not-opted-in";
}

/** Regions that every account has from the start: AWS account management guide, "Enable or disable AWS Regions". */
export const regionsWithoutOptIn = [
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-northeast-3",
  "ap-south-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "ca-central-1",
  "eu-central-1",
  "eu-north-1",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "sa-east-1",
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
];

/** Regions that an account may enable. */
export const optInRegions = [
  "af-south-1",
  "ap-east-1",
  "ap-east-2",
  "ap-south-2",
  "ap-southeast-3",
  "ap-southeast-4",
  "ap-southeast-5",
  "ap-southeast-6",
  "ap-southeast-7",
  "ca-west-1",
  "eu-central-2",
  "eu-south-1",
  "eu-south-2",
  "il-central-1",
  "me-central-1",
  "me-south-1",
  "mx-central-1",
];
const knownRegions = [...regionsWithoutOptIn, ...optInRegions].sort();
