/** EBS direct: writes snapshots block by block, with AWS's checks. */
import { createHash } from "node:crypto";
import { AwsError } from "./aws-error.ts";
import type { Snapshot } from "./state.ts";
import { newId, once, timestamp, type World } from "./world.ts";

/** Bytes of a block. Blocks that were never written read as zeroes. */
export const blockBytes = 512 * 1024;
const gib = 1024 ** 3;

const invalid = (message: string): never => {
  throw new AwsError("ValidationException", message);
};

/** The error code of EBS direct is not EC2's. */
function find(world: World, snapshotId: string | undefined): Snapshot {
  const snapshot = snapshotId === undefined ? undefined : world.region.snapshots[snapshotId];
  if (snapshot !== undefined) return snapshot;
  throw new AwsError("ResourceNotFoundException", `The snapshot '${snapshotId}' does not exist.`, 404);
}

type Unfinished = Snapshot & { blocks: Record<string, string> };

function findUnfinished(world: World, snapshotId: string | undefined): Unfinished {
  const snapshot = find(world, snapshotId);
  if (snapshot.isBeingWritten && snapshot.blocks !== undefined) return snapshot as Unfinished;
  return invalid(`The snapshot '${snapshotId}' is not in the pending state.`);
}

export interface StartSnapshotParams {
  VolumeSize?: number;
  ParentSnapshotId?: string;
  Tags?: { Key?: string; Value?: string }[];
  Description?: string;
  ClientToken?: string;
  Encrypted?: boolean;
  KmsKeyArn?: string;
  Timeout?: number;
}

/** Starts a snapshot without blocks. A repeated client token returns the snapshot that it started. */
export function startSnapshot(world: World, params: StartSnapshotParams) {
  const { VolumeSize = 0, Tags = [], Description = "" } = params;
  if (!Number.isInteger(VolumeSize) || VolumeSize < 1 || VolumeSize > 65_536) {
    invalid(`Volume size ${VolumeSize} GiB is not between 1 and 65536.`);
  }
  if (params.ParentSnapshotId !== undefined) invalid("Parent snapshots aren't in the AWS emulator.");
  if (params.KmsKeyArn !== undefined && params.Encrypted !== true) invalid("KmsKeyArn requires Encrypted.");
  const SnapshotId = once(world, params.ClientToken, () => {
    const snapshot: Snapshot = {
      snapshotId: newId(world, "snap"),
      description: Description,
      polls: 1,
      isBeingWritten: true,
      volumeSizeGib: VolumeSize,
      encrypted: params.Encrypted ?? false,
      blocks: {},
      sharedWith: [],
      tags: Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value])),
      startTime: timestamp(world.now),
    };
    if (params.KmsKeyArn !== undefined) snapshot.kmsKeyId = params.KmsKeyArn;
    world.region.snapshots[snapshot.snapshotId] = snapshot;
    return snapshot.snapshotId;
  });
  const snapshot = find(world, SnapshotId);
  if (snapshot.volumeSizeGib !== VolumeSize || snapshot.description !== Description) {
    const message = "The client token was used by a request with other parameters.";
    throw new AwsError("ConflictException", message, 409);
  }
  return {
    SnapshotId,
    Description,
    OwnerId: world.account,
    VolumeSize,
    BlockSize: blockBytes,
    Tags,
    Status: snapshot.isBeingWritten ? "pending" : "completed",
    StartTime: Date.parse(snapshot.startTime) / 1000,
  };
}

export interface PutSnapshotBlockParams {
  SnapshotId?: string;
  BlockIndex?: number;
  DataLength?: number;
  Checksum?: string;
  ChecksumAlgorithm?: string;
  /** The number of bytes received, and their SHA-256 in base64, in place of the bytes. */
  received: { bytes: number; checksum: string };
}

/** Takes a block of a snapshot that is being written. A later write of the same block replaces it. */
export function putSnapshotBlock(world: World, params: PutSnapshotBlockParams) {
  const { BlockIndex = -1, DataLength, Checksum, ChecksumAlgorithm, received } = params;
  const snapshot = findUnfinished(world, params.SnapshotId);
  if (BlockIndex < 0 || (BlockIndex + 1) * blockBytes > snapshot.volumeSizeGib * gib) {
    invalid(`Block ${BlockIndex} is not within the volume of ${snapshot.volumeSizeGib} GiB.`);
  }
  if (DataLength !== blockBytes || received.bytes !== blockBytes) {
    invalid(`A block has ${blockBytes} bytes: ${DataLength} were announced and ${received.bytes} came.`);
  }
  if (ChecksumAlgorithm !== "SHA256") invalid("The checksum algorithm must be SHA256.");
  if (Checksum !== received.checksum) invalid("The checksum does not match the data.");
  snapshot.blocks = { ...snapshot.blocks, [BlockIndex]: received.checksum };
  return { Checksum: received.checksum, ChecksumAlgorithm: "SHA256" };
}

export interface CompleteSnapshotParams {
  SnapshotId?: string;
  ChangedBlocksCount?: number;
  Checksum?: string;
  ChecksumAlgorithm?: string;
  ChecksumAggregationMethod?: string;
}

/** Completes a snapshot. The number of blocks, and their checksum if given, must match what was written. */
export function completeSnapshot(world: World, params: CompleteSnapshotParams) {
  const snapshot = findUnfinished(world, params.SnapshotId);
  const written = Object.keys(snapshot.blocks).length;
  if (params.ChangedBlocksCount !== written) {
    invalid(`${params.ChangedBlocksCount} changed blocks were announced, and ${written} were written.`);
  }
  if (params.Checksum !== undefined) {
    if (params.ChecksumAlgorithm !== "SHA256" || params.ChecksumAggregationMethod !== "LINEAR") {
      invalid("The checksum must be SHA256, aggregated LINEAR.");
    }
    if (params.Checksum !== linearChecksum(snapshot.blocks)) {
      invalid("The checksum does not match the blocks.");
    }
  }
  delete snapshot.isBeingWritten;
  snapshot.polls = world.polls.import;
  return { Status: snapshot.polls === 0 ? "completed" : "pending" };
}

/** The SHA-256 of the blocks' SHA-256, ordered by index, as coldsnap computes it. */
function linearChecksum(blocks: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256");
  const indexes = Object.keys(blocks)
    .map(Number)
    .sort((left, right) => left - right);
  for (const index of indexes) hash.update(Buffer.from(blocks[index] ?? "", "base64"));
  return hash.digest("base64");
}

export interface ListSnapshotBlocksParams {
  SnapshotId?: string;
  StartingBlockIndex?: number;
  MaxResults?: number;
  NextToken?: string;
}

/** The blocks that were written. A block's token is its checksum. */
export function listSnapshotBlocks(world: World, params: ListSnapshotBlocksParams) {
  const { blocks = {}, volumeSizeGib, isBeingWritten, snapshotId } = find(world, params.SnapshotId);
  if (isBeingWritten) invalid(`The snapshot '${snapshotId}' is not in the completed state.`);
  const start = Number(params.NextToken ?? params.StartingBlockIndex ?? 0);
  const indexes = Object.keys(blocks)
    .map(Number)
    .filter((index) => index >= start)
    .sort((left, right) => left - right);
  const most = params.MaxResults ?? 10_000;
  const next = indexes[most];
  return {
    Blocks: indexes
      .slice(0, most)
      .map((BlockIndex) => ({ BlockIndex, BlockToken: blocks[String(BlockIndex)] ?? "" })),
    ExpiryTime: world.now / 1000 + 7 * 24 * 3600,
    VolumeSize: volumeSizeGib,
    BlockSize: blockBytes,
    ...(next === undefined ? {} : { NextToken: String(next) }),
  };
}

export interface GetSnapshotBlockParams {
  SnapshotId?: string;
  BlockIndex?: number;
  BlockToken?: string;
}

/** The checksum of a block, by which the server finds its bytes. */
export function getSnapshotBlock(world: World, params: GetSnapshotBlockParams) {
  const { blocks = {} } = find(world, params.SnapshotId);
  const checksum = blocks[String(params.BlockIndex)];
  if (checksum === undefined || checksum !== params.BlockToken) {
    return invalid(`Block ${params.BlockIndex} with that token is not in the snapshot.`);
  }
  return { Checksum: checksum, ChecksumAlgorithm: "SHA256", DataLength: blockBytes };
}
