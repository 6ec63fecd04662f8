/** Registers, copies, describes, deprecates and deregisters AMIs. */
import { AwsError } from "./aws-error.ts";
import { findSnapshot } from "./snapshots.ts";
import type { BlockDevice, Image, Snapshot } from "./state.ts";
import { newId, once, required, timestamp, type World } from "./world.ts";

export interface RegisterImageParams {
  Name?: string;
  Description?: string;
  Architecture?: string;
  BootMode?: string;
  VirtualizationType?: string;
  EnaSupport?: boolean;
  SriovNetSupport?: string;
  ImdsSupport?: string;
  TpmSupport?: string;
  UefiData?: string;
  RootDeviceName?: string;
  BlockDeviceMappings?: {
    DeviceName?: string;
    Ebs?: {
      SnapshotId?: string;
      VolumeType?: string;
      VolumeSize?: number;
      DeleteOnTermination?: boolean;
      Encrypted?: boolean;
      Iops?: number;
      Throughput?: number;
    };
  }[];
}

const oneOf = (name: string, value: string | undefined, values: readonly string[]): void => {
  if (value !== undefined && !values.includes(value)) {
    throw new AwsError("InvalidParameterValue", `Value (${value}) for parameter ${name} is invalid.`);
  }
};

export const architectures = ["i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"];
export const bootModes = ["legacy-bios", "uefi", "uefi-preferred"];
export const volumeTypes = ["standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"];

/** A name has 3 to 128 of the characters that RegisterImage's reference lists, and is unique in the region. */
function requireFreeName(world: World, name: string): void {
  if (!/^[a-zA-Z0-9()[\] ./\-'@_]{3,128}$/.test(name)) {
    const allowed = "letters, digits, ( ) [ ] space . / - ' @ _";
    const message = `AMI names must be between 3 and 128 characters long, and may contain ${allowed}`;
    throw new AwsError("InvalidAMIName.Malformed", message);
  }
  const holder = Object.values(world.region.images).find((image) => image.name === name);
  if (holder !== undefined) {
    const message = `AMI name ${name} is already in use by AMI ${holder.imageId}`;
    throw new AwsError("InvalidAMIName.Duplicate", message);
  }
}

function requireValidCombination(params: RegisterImageParams, architecture: string): void {
  const { BootMode, VirtualizationType, TpmSupport, UefiData } = params;
  oneOf("architecture", architecture, architectures);
  oneOf("bootMode", BootMode, bootModes);
  oneOf("virtualizationType", VirtualizationType, ["hvm", "paravirtual"]);
  oneOf("imdsSupport", params.ImdsSupport, ["v2.0"]);
  oneOf("sriovNetSupport", params.SriovNetSupport, ["simple"]);
  oneOf("tpmSupport", TpmSupport, ["v2.0"]);
  const refuse = (message: string): never => {
    throw new AwsError("InvalidParameterCombination", message);
  };
  if (architecture.startsWith("arm64")) {
    if (BootMode === "legacy-bios") {
      refuse(`Unsupported combination of boot mode '${BootMode}' and architecture '${architecture}'`);
    }
    if (VirtualizationType !== "hvm")
      refuse(`Architecture '${architecture}' requires virtualization type hvm`);
  }
  if (TpmSupport !== undefined && BootMode !== "uefi") refuse("TpmSupport requires boot mode uefi");
  if (UefiData !== undefined && !BootMode?.startsWith("uefi")) refuse("UefiData requires boot mode uefi");
}

function blockDevice(
  world: World,
  mapping: NonNullable<RegisterImageParams["BlockDeviceMappings"]>[number],
): BlockDevice {
  const { DeviceName, Ebs = {} } = mapping;
  const refuse = (message: string): never => {
    throw new AwsError("InvalidBlockDeviceMapping", message);
  };
  oneOf("volumeType", Ebs.VolumeType, volumeTypes);
  const snapshot = Ebs.SnapshotId === undefined ? undefined : findSnapshot(world, Ebs.SnapshotId);
  if (snapshot !== undefined && snapshot.polls > 0) {
    throw new AwsError("IncorrectState", `Snapshot '${snapshot.snapshotId}' is not in the 'completed' state`);
  }
  if (snapshot !== undefined && Ebs.Encrypted !== undefined) {
    const message =
      "You cannot specify the encrypted flag if specifying a snapshot id in a block device mapping.";
    throw new AwsError("InvalidParameter", `Parameter encrypted is invalid. ${message}`);
  }
  const size = Ebs.VolumeSize ?? snapshot?.volumeSizeGib;
  if (size === undefined) return refuse("A volume needs a size or a snapshot");
  if (snapshot !== undefined && size < snapshot.volumeSizeGib) {
    const expected = `expect size >= ${snapshot.volumeSizeGib}GB`;
    refuse(`Volume of size ${size}GB is smaller than snapshot '${snapshot.snapshotId}', ${expected}`);
  }
  const device: BlockDevice = {
    deviceName: required(DeviceName, "DeviceName"),
    volumeType: Ebs.VolumeType ?? "gp2",
    volumeSize: size,
    deleteOnTermination: Ebs.DeleteOnTermination ?? true,
    encrypted: snapshot?.encrypted ?? Ebs.Encrypted ?? false,
  };
  if (snapshot !== undefined) device.snapshotId = snapshot.snapshotId;
  if (Ebs.Iops !== undefined) device.iops = Ebs.Iops;
  if (Ebs.Throughput !== undefined) device.throughput = Ebs.Throughput;
  return device;
}

/** Registers an image from snapshots, with the API's own defaults: i386, paravirtual, no ENA. */
export function registerImage(world: World, params: RegisterImageParams): { ImageId: string } {
  const name = required(params.Name, "Name");
  requireFreeName(world, name);
  const architecture = params.Architecture ?? "i386";
  requireValidCombination(params, architecture);
  const rootDeviceName = required(params.RootDeviceName, "RootDeviceName");
  const blockDevices = (params.BlockDeviceMappings ?? []).map((mapping) => blockDevice(world, mapping));
  const root = blockDevices.find(({ deviceName }) => deviceName === rootDeviceName);
  if (root?.snapshotId === undefined) {
    throw new AwsError("InvalidBlockDeviceMapping", "No root snapshot specified in device mapping.");
  }
  const image: Image = {
    imageId: newId(world, "ami"),
    name,
    description: params.Description ?? "",
    architecture,
    hiddenPolls: world.polls.visible,
    polls: world.polls.register,
    creationDate: timestamp(world.now),
    virtualizationType: params.VirtualizationType ?? "paravirtual",
    enaSupport: params.EnaSupport ?? false,
    rootDeviceName,
    blockDevices,
    launchPermissions: [],
    tags: {},
  };
  if (params.BootMode !== undefined) image.bootMode = params.BootMode;
  if (params.SriovNetSupport !== undefined) image.sriovNetSupport = params.SriovNetSupport;
  if (params.ImdsSupport !== undefined) image.imdsSupport = params.ImdsSupport;
  if (params.TpmSupport !== undefined) image.tpmSupport = params.TpmSupport;
  if (params.UefiData !== undefined) image.uefiData = params.UefiData;
  world.region.images[image.imageId] = image;
  return { ImageId: image.imageId };
}

export interface CopyImageParams {
  ClientToken?: string;
  Name?: string;
  Description?: string;
  SourceImageId?: string;
  SourceRegion?: string;
  Encrypted?: boolean;
  KmsKeyId?: string;
}

/** "Destination Regions are limited to 100 concurrent AMI copies": EC2 user guide, Copy an AMI. */
const concurrentCopies = 100;

/** Copies an image of this account to this region, with new snapshots, but without tags, permissions and deprecation. */
export function copyImage(world: World, params: CopyImageParams): { ImageId: string } {
  const name = required(params.Name, "Name");
  const sourceRegion = required(params.SourceRegion, "SourceRegion");
  const sourceId = required(params.SourceImageId, "SourceImageId");
  if (!world.enabledRegions.includes(sourceRegion)) {
    throw new AwsError("InvalidParameterValue", `Invalid value '${sourceRegion}' for SourceRegion.`);
  }
  const from = sourceRegion === world.regionName ? world.region : world.otherRegion(sourceRegion);
  const source = from.images[sourceId];
  if (source === undefined) {
    throw new AwsError("InvalidAMIID.NotFound", `The image id '[${sourceId}]' does not exist`);
  }
  if (source.polls > 0) {
    throw new AwsError("InvalidAMIID.Unavailable", `The image ID '${sourceId}' is not available`);
  }
  const ImageId = once(world, params.ClientToken, () => {
    requireFreeName(world, name);
    const copying = Object.values(world.region.images).filter(
      (image) => image.sourceImageId && image.polls > 0,
    );
    if (copying.length >= concurrentCopies) {
      const message = `Too many AMI copies in progress. The limit is ${concurrentCopies} for this destination region.`;
      throw new AwsError("ResourceLimitExceeded", message);
    }
    const image: Image = {
      ...structuredClone(source),
      imageId: newId(world, "ami"),
      name,
      description: params.Description ?? "",
      hiddenPolls: world.polls.visible,
      polls: world.polls.copy,
      creationDate: timestamp(world.now),
      sourceImageId: sourceId,
      sourceRegion,
      launchPermissions: [],
      tags: {},
    };
    delete image.deprecationTime;
    image.blockDevices = image.blockDevices.map((device) =>
      copiedDevice(world, from.snapshots, device, params),
    );
    world.region.images[image.imageId] = image;
    return image.imageId;
  });
  return { ImageId };
}

function copiedDevice(
  world: World,
  snapshots: Readonly<Record<string, Snapshot>>,
  device: BlockDevice,
  { Encrypted, KmsKeyId, SourceRegion, SourceImageId }: CopyImageParams,
): BlockDevice {
  const source = device.snapshotId === undefined ? undefined : snapshots[device.snapshotId];
  if (source === undefined) return device;
  const encrypted = source.encrypted || (Encrypted ?? false);
  const copy: Snapshot = {
    ...structuredClone(source),
    snapshotId: newId(world, "snap"),
    description: `Copied for DestinationAmi from SourceAmi ${SourceImageId} in ${SourceRegion}`,
    polls: world.polls.copy,
    encrypted,
    sharedWith: [],
    tags: {},
    startTime: timestamp(world.now),
  };
  if (KmsKeyId !== undefined) copy.kmsKeyId = KmsKeyId;
  world.region.snapshots[copy.snapshotId] = copy;
  return { ...device, snapshotId: copy.snapshotId, encrypted };
}

function requireImage(world: World, imageId: string): Image {
  if (!/^ami-[0-9a-f]{8,17}$/.test(imageId)) {
    throw new AwsError("InvalidAMIID.Malformed", `Invalid id: "${imageId}" (expecting "ami-...")`);
  }
  const image = world.region.images[imageId];
  if (image !== undefined) return image;
  if (world.region.deregistered.includes(imageId)) {
    throw new AwsError("InvalidAMIID.Unavailable", `The image ID '${imageId}' is no longer available`);
  }
  throw new AwsError("InvalidAMIID.NotFound", `The image id '[${imageId}]' does not exist`);
}

/** An image that is available, so that it can be changed, shared and copied. */
export function availableImage(world: World, imageId: string | undefined): Image {
  const image = requireImage(world, required(imageId, "ImageId"));
  if (image.polls === 0) return image;
  throw new AwsError("InvalidAMIID.Unavailable", `The image ID '${imageId}' is not available`);
}

/** Images by id, or all images of the region. Each counts one poll. */
export function pollImages(world: World, imageIds: readonly string[] | undefined): Image[] {
  const asked = imageIds?.map((id) => requireImage(world, id)) ?? Object.values(world.region.images);
  const wasHidden = asked.filter((image) => image.hiddenPolls > 0);
  for (const image of asked) {
    image.hiddenPolls = Math.max(0, image.hiddenPolls - 1);
    image.polls = Math.max(0, image.polls - 1);
    for (const { snapshotId } of image.blockDevices) {
      const snapshot = snapshotId === undefined ? undefined : world.region.snapshots[snapshotId];
      if (snapshot !== undefined) snapshot.polls = Math.min(snapshot.polls, image.polls);
    }
  }
  return asked.filter((image) => !wasHidden.includes(image));
}

export const isPublic = (image: Image): boolean =>
  image.launchPermissions.some(({ Group }) => Group === "all");

const year = 365.25 * 24 * 3600 * 1000;

function twoYearsAfter(date: string): number {
  const end = new Date(date);
  return end.setUTCFullYear(end.getUTCFullYear() + 2);
}

/** The latest deprecation of a public image: two years after its creation (EC2 user guide, Deprecate an AMI). */
export const latestDeprecation = (image: Image): number => twoYearsAfter(image.creationDate);

/** Sets the deprecation time, to the minute. */
export function enableImageDeprecation(
  world: World,
  params: { ImageId?: string; DeprecateAt?: string | Date },
): { Return: true } {
  const image = availableImage(world, params.ImageId);
  const given = new Date(required(params.DeprecateAt, "DeprecateAt")).getTime();
  const refuse = (message: string): never => {
    throw new AwsError("InvalidParameterValue", message);
  };
  if (Number.isNaN(given))
    refuse(`Value (${String(params.DeprecateAt)}) for parameter DeprecateAt is invalid.`);
  const minute = Math.round(given / 60_000) * 60_000;
  if (minute < world.now) refuse("The deprecation date can't be in the past.");
  if (isPublic(image) && minute > latestDeprecation(image)) {
    refuse("The deprecation date of a public AMI can't be more than two years after its creation.");
  }
  if (minute > world.now + 10 * year) refuse("The deprecation date can't be more than 10 years from now.");
  image.deprecationTime = timestamp(minute);
  return { Return: true };
}

/** Cancels the deprecation. A public image must be made private first. */
export function disableImageDeprecation(world: World, params: { ImageId?: string }): { Return: true } {
  const image = availableImage(world, params.ImageId);
  if (isPublic(image)) {
    const message = `The deprecation of the public image ${image.imageId} can't be canceled.`;
    throw new AwsError("OperationNotPermitted", message);
  }
  delete image.deprecationTime;
  return { Return: true };
}

/** Deregisters an image, public or not. Its snapshots stay. */
export function deregisterImage(world: World, params: { ImageId?: string }): { Return: true } {
  const { imageId } = requireImage(world, required(params.ImageId, "ImageId"));
  delete world.region.images[imageId];
  world.region.deregistered.push(imageId);
  return { Return: true };
}
