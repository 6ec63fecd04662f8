/** Shares images and snapshots, with the checks before they become public. */
import { AwsError } from "./aws-error.ts";
import { availableImage, isPublic, latestDeprecation } from "./images.ts";
import { publicImagesQuota, quotaOf } from "./quotas.ts";
import { findSnapshot } from "./snapshots.ts";
import type { LaunchPermission } from "./state.ts";
import { required, timestamp, type World } from "./world.ts";

export interface ModifyImageAttributeParams {
  ImageId?: string;
  Description?: { Value?: string };
  LaunchPermission?: { Add?: LaunchPermission[]; Remove?: LaunchPermission[] };
}

const same = (a: LaunchPermission, b: LaunchPermission): boolean =>
  a.UserId === b.UserId &&
  a.Group === b.Group &&
  a.OrganizationArn === b.OrganizationArn &&
  a.OrganizationalUnitArn === b.OrganizationalUnitArn;

function requireAccount(userId: string): void {
  if (/^\d{12}$/.test(userId)) return;
  const message = `Invalid attribute item value "${userId}" for userId item type.`;
  throw new AwsError("InvalidAMIAttributeItemValue", message);
}

function requireGrantee(permission: LaunchPermission): void {
  const { UserId, Group, OrganizationArn, OrganizationalUnitArn } = permission;
  const given = [UserId, Group, OrganizationArn, OrganizationalUnitArn].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new AwsError("InvalidParameterCombination", "A launch permission names one grantee");
  }
  if (UserId !== undefined) requireAccount(UserId);
  const arns: [value: string | undefined, pattern: RegExp][] = [
    [Group, /^all$/],
    [OrganizationArn, /^arn:aws:organizations::\d{12}:organization\/o-[a-z0-9]{10,32}$/],
    [OrganizationalUnitArn, /^arn:aws:organizations::\d{12}:ou\/o-[a-z0-9]{10,32}\/ou-[a-z0-9-]{8,68}$/],
  ];
  for (const [value, pattern] of arns) {
    if (value !== undefined && !pattern.test(value)) {
      throw new AwsError("InvalidParameterValue", `Invalid value '${value}' for a launch permission.`);
    }
  }
}

/** Changes an available image's description or grantees. Adding existing grantees or removing missing ones does nothing. */
export function modifyImageAttribute(
  world: World,
  params: ModifyImageAttributeParams,
): Record<string, never> {
  const image = availableImage(world, params.ImageId);
  const { Add = [], Remove = [] } = params.LaunchPermission ?? {};
  for (const permission of [...Add, ...Remove]) requireGrantee(permission);
  if (Add.some(({ Group }) => Group === "all") && !isPublic(image)) {
    requirePublicAllowed(world, image.imageId);
    // EC2 deprecates a public image at the latest possible time if its deprecation is unset or later.
    const latest = latestDeprecation(image);
    const own = image.deprecationTime === undefined ? Infinity : Date.parse(image.deprecationTime);
    image.deprecationTime = timestamp(Math.min(own, Math.floor(latest / 60_000) * 60_000));
  }
  const kept = image.launchPermissions.filter((one) => !Remove.some((removed) => same(one, removed)));
  const added = Add.filter((one) => !kept.some((there) => same(one, there)));
  image.launchPermissions = [...kept, ...added];
  if (params.Description !== undefined) image.description = params.Description.Value ?? "";
  return {};
}

function requirePublicAllowed(world: World, imageId: string): void {
  const { images, snapshots, imageBlockPublicAccess } = world.region;
  if (imageBlockPublicAccess.state === "block-new-sharing") {
    // The text is from hortonworks/cloudbreak-images#926.
    const message =
      "You can't publicly share this image because block public access for AMIs is enabled for this account. " +
      "To publicly share the image, you must call the DisableImageBlockPublicAccess API.";
    throw new AwsError("OperationNotPermitted", message);
  }
  const isEncrypted = images[imageId]?.blockDevices.some(
    ({ snapshotId }) => snapshotId !== undefined && snapshots[snapshotId]?.encrypted,
  );
  if (isEncrypted) {
    const message = `${imageId} has encrypted snapshots and can't be shared publicly.`;
    throw new AwsError("OperationNotPermitted", message);
  }
  const quota = quotaOf(world.region, publicImagesQuota);
  if (Object.values(images).filter(isPublic).length >= quota) {
    // The text is from NixOS/amis#37.
    const message =
      `You have reached your quota of ${quota} for the number of public images allowed in this Region. ` +
      "Deregister unused public images or make them private, or request an increase in your public AMIs quota.";
    throw new AwsError("ResourceLimitExceeded", message);
  }
}

/** An image's grantees, even if it is not available. */
export function launchPermissions(world: World, imageId: string | undefined): LaunchPermission[] {
  return availableImage(world, imageId).launchPermissions;
}

interface VolumePermission {
  UserId?: string;
  Group?: string;
}
export interface ModifySnapshotAttributeParams {
  SnapshotId?: string;
  Attribute?: string;
  CreateVolumePermission?: { Add?: VolumePermission[]; Remove?: VolumePermission[] };
  OperationType?: string;
  UserIds?: string[];
  GroupNames?: string[];
}

/** Changes who may create volumes from a snapshot. */
export function modifySnapshotAttribute(
  world: World,
  params: ModifySnapshotAttributeParams,
): Record<string, never> {
  const snapshot = findSnapshot(world, required(params.SnapshotId, "SnapshotId"));
  const named = [
    ...(params.UserIds ?? []).map((UserId): VolumePermission => ({ UserId })),
    ...(params.GroupNames ?? []).map((Group): VolumePermission => ({ Group })),
  ];
  const { Add = [], Remove = [] } = params.CreateVolumePermission ?? {};
  const added = [...Add, ...(params.OperationType === "add" ? named : [])].map(volumeGrantee);
  const removed = [...Remove, ...(params.OperationType === "remove" ? named : [])].map(volumeGrantee);
  if (snapshot.polls > 0) {
    throw new AwsError("IncorrectState", `Snapshot '${snapshot.snapshotId}' is not in the 'completed' state`);
  }
  const becomesPublic = added.includes("all") && !snapshot.sharedWith.includes("all");
  if (becomesPublic && world.region.snapshotBlockPublicAccess !== "unblocked") {
    const message =
      "You can't publicly share this snapshot because block public access for snapshots is enabled.";
    throw new AwsError("OperationNotPermitted", message);
  }
  if (becomesPublic && snapshot.encrypted) {
    throw new AwsError("OperationNotPermitted", "Encrypted snapshots can't be shared publicly.");
  }
  const kept = snapshot.sharedWith.filter((one) => !removed.includes(one));
  snapshot.sharedWith = [...new Set([...kept, ...added])];
  return {};
}

function volumeGrantee({ UserId, Group }: VolumePermission): string {
  if (Group === "all" && UserId === undefined) return Group;
  if (UserId === undefined || Group !== undefined) {
    throw new AwsError("InvalidParameterValue", "A permission names an account or the group 'all'.");
  }
  requireAccount(UserId);
  return UserId;
}

/** Takes effect after some polls: AWS says up to ten minutes. */
export function setImageBlockPublicAccess(world: World, state: string): void {
  const access = world.region.imageBlockPublicAccess;
  if (access.state === state) delete access.next;
  else access.next = { state, polls: world.polls.blockPublicAccess };
}

export function pollImageBlockPublicAccess(world: World): string {
  const access = world.region.imageBlockPublicAccess;
  if (access.next !== undefined) {
    access.next.polls -= 1;
    if (access.next.polls <= 0) {
      access.state = access.next.state;
      delete access.next;
    }
  }
  return access.state;
}
