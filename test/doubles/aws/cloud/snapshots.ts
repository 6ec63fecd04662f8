/** Imports snapshots from S3, and deletes snapshots. */
import { AwsError } from "./aws-error.ts";
import { requireVmimport } from "./roles.ts";
import type { ImportTask, Snapshot } from "./state.ts";
import { newId, once, required, timestamp, type FoundObject, type World } from "./world.ts";

const gib = 1024 ** 3;

export interface ImportSnapshotParams {
  ClientToken?: string;
  Description?: string;
  DiskContainer?: {
    Description?: string;
    Format?: string;
    Url?: string;
    UserBucket?: { S3Bucket?: string; S3Key?: string };
  };
  Encrypted?: boolean;
  KmsKeyId?: string;
  RoleName?: string;
  TagSpecifications?: { ResourceType: string; Tags: { Key: string; Value: string }[] }[];
}

/** Starts an import. A wrong request fails at once. A disk that cannot be imported fails the task. */
export function importSnapshot(world: World, params: ImportSnapshotParams): { ImportTaskId: string } {
  const container = required(params.DiskContainer, "DiskContainer");
  const format = required(container.Format, "DiskContainer.Format");
  const source = container.UserBucket;
  if (source?.S3Bucket === undefined || source.S3Key === undefined) {
    throw new AwsError("InvalidParameter", "The parameter UserBucket must have S3Bucket and S3Key.");
  }
  const { S3Bucket: bucket, S3Key: key } = source;
  if (!["VHD", "VMDK", "RAW"].includes(format)) {
    throw new AwsError("InvalidParameter", `The format '${format}' is not one of VHD, VMDK, RAW.`);
  }
  if (params.KmsKeyId !== undefined && params.Encrypted !== true) {
    throw new AwsError("InvalidParameter", "The parameter KmsKeyId requires Encrypted.");
  }
  requireVmimport(world.global, params.RoleName ?? "vmimport", bucket);
  const bucketRegion = world.object?.bucketRegion;
  if (bucketRegion !== undefined && bucketRegion !== world.regionName) {
    throw new AwsError("InvalidParameter", "The given S3 bucket is not local to the region.");
  }
  const ImportTaskId = once(world, params.ClientToken, () => {
    const task: ImportTask = {
      importTaskId: newId(world, "import-snap"),
      description: params.Description ?? "",
      format,
      content: { bucket, key },
      polls: world.polls.import,
      tags: Object.fromEntries(
        (params.TagSpecifications ?? []).flatMap(({ Tags }) => Tags.map(({ Key, Value }) => [Key, Value])),
      ),
    };
    const { bytes, failure } = inspect(world, format);
    if (failure !== undefined || bytes === undefined) task.failure = failure ?? "ClientError: unknown";
    else task.snapshotId = addImported(world, params, bytes);
    world.region.importTasks[task.importTaskId] = task;
    return task.importTaskId;
  });
  return { ImportTaskId };
}

/** Bytes of the disk in the object, or why it is not a disk. The texts are from osbuild/osbuild-composer#706. */
function inspect(world: World, format: string): { bytes?: number; failure?: string } {
  const lookup = world.object;
  if (lookup === undefined) throw new Error("ImportSnapshot came without a look-up in S3");
  if ("failure" in lookup) {
    const reason = `We do not have access to the given resource. Reason ${lookup.failure}`;
    return { failure: `ClientError: Disk validation failed [${reason}]` };
  }
  const bytes = diskBytes(lookup.found, format);
  return bytes === undefined
    ? { failure: "ClientError: Disk validation failed [Unsupported specified file format]" }
    : { bytes };
}

/** The virtual size of a disk. Undefined if the object has another format. */
export function diskBytes(object: FoundObject, format: string): number | undefined {
  const { head, tail, bytes } = object;
  switch (format) {
    case "VHD": {
      const isFooter = tail.subarray(0, 8).toString("latin1") === "conectix";
      return isFooter ? Number(tail.readBigUInt64BE(48)) : undefined;
    }
    case "VMDK":
      return head.subarray(0, 4).toString("latin1") === "KDMV"
        ? Number(head.readBigUInt64LE(12)) * 512
        : undefined;
    default:
      return bytes > 0 ? bytes : undefined;
  }
}

function addImported(world: World, params: ImportSnapshotParams, bytes: number): string {
  const lookup = world.object;
  const snapshot: Snapshot = {
    snapshotId: newId(world, "snap"),
    description: params.Description ?? "",
    polls: world.polls.import,
    volumeSizeGib: Math.ceil(bytes / gib),
    encrypted: params.Encrypted ?? false,
    sharedWith: [],
    tags: {},
    startTime: timestamp(world.now),
  };
  if (params.KmsKeyId !== undefined) snapshot.kmsKeyId = params.KmsKeyId;
  if (lookup !== undefined && "found" in lookup) {
    const { bucket, key, etag, bytes: size } = lookup.found;
    snapshot.content = { bucket, key, etag, bytes: size };
  }
  world.region.snapshots[snapshot.snapshotId] = snapshot;
  return snapshot.snapshotId;
}

/** The task after one more poll. */
export function pollImport(world: World, importTaskId: string): ImportTask {
  const task = world.region.importTasks[importTaskId];
  if (task === undefined) {
    const message = `The import task ${importTaskId} does not exist`;
    throw new AwsError("InvalidConversionTaskId.NotFound", message);
  }
  task.polls = Math.max(0, task.polls - 1);
  if (task.snapshotId !== undefined) {
    const snapshot = world.region.snapshots[task.snapshotId];
    if (snapshot !== undefined) snapshot.polls = Math.min(snapshot.polls, task.polls);
  }
  return task;
}

export function findSnapshot(world: World, snapshotId: string): Snapshot {
  const snapshot = world.region.snapshots[snapshotId];
  if (snapshot !== undefined) return snapshot;
  if (!/^snap-[0-9a-f]{8,17}$/.test(snapshotId)) {
    throw new AwsError("InvalidSnapshotID.Malformed", `The snapshot ID '${snapshotId}' is malformed`);
  }
  throw new AwsError("InvalidSnapshot.NotFound", `The snapshot '${snapshotId}' does not exist.`);
}

export function deleteSnapshot(world: World, params: { SnapshotId?: string }): Record<string, never> {
  const { snapshotId } = findSnapshot(world, required(params.SnapshotId, "SnapshotId"));
  const user = Object.values(world.region.images).find(({ blockDevices }) =>
    blockDevices.some((device) => device.snapshotId === snapshotId),
  );
  if (user !== undefined) {
    const message = `The snapshot ${snapshotId} is currently in use by ${user.imageId}`;
    throw new AwsError("InvalidSnapshot.InUse", message);
  }
  delete world.region.snapshots[snapshotId];
  return {};
}
