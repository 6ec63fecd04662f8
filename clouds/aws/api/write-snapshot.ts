/** Writes a disk to a snapshot with the EBS direct APIs: no bucket, no import, and blank blocks are not sent. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CompleteSnapshotCommand,
  type EBSClient,
  PutSnapshotBlockCommand,
  StartSnapshotCommand,
} from "@aws-sdk/client-ebs";
import {
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
  type Snapshot,
  waitUntilSnapshotCompleted,
} from "@aws-sdk/client-ec2";
import pRetry from "p-retry";
import type { Progress } from "../../../src/builder/progress.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { aggregatedChecksum, blockSize, type DiskBlock, diskBlocks } from "./disk-blocks.ts";
import { awsFaultKind, codesOf } from "./errors.ts";
import { inParallel } from "../../../src/lib/parallel.ts";
import { tagList } from "./tag-list.ts";

/** Tag with the client token that a snapshot was started with. A later run recognises the snapshot by it. */
export const tokenTag = "alpine:token";

/** Each holds a block of 512 KiB in memory. EBS recommends many parallel requests; the SDK opens at most 50 connections. */
const parallelBlocks = 32;
/** AWS fails an incomplete snapshot after this time without a new block. */
const timeoutMinutes = 60;
/** EBS and EC2 take a while to show a new snapshot. coldsnap waits up to two minutes, by its measurements. */
const visibleSeconds = 130;
/** A token cannot be reused after its snapshot is lost (timed out, deleted); each attempt has another token. */
const maximumAttempts = 20;
const completionSeconds = 60 * 60;
/** For a snapshot that accepts no more blocks without saying why. */
const sealedSeconds = 5 * 60;

export interface SnapshotWriting {
  ebs: EBSClient;
  ec2: EC2Client;
  /** Raw. */
  disk: string;
  /** What EBS is asked for. The same request always leads to the same snapshot. */
  request: SnapshotRequest;
  progress: Progress;
}

export interface SnapshotRequest {
  owner: string;
  /** Of the image's file. */
  sha512: string;
  description: string;
  tags: Record<string, string>;
  encrypted: boolean;
  /** ARN. @default the account's default key */
  kmsKeyId?: string;
}

export interface WrittenSnapshot {
  snapshotId: string;
  token: string;
  volumeGib: number;
  /** Blocks that are not blank. */
  blocks: number;
}

/**
 * Writes the disk, unless an earlier run has written it. A snapshot that an interrupted run started is resumed: all
 * blocks are sent again, because EBS does not list the blocks of an incomplete snapshot.
 * @throws UserError, or errors of EBS and EC2; the next run resumes
 */
export async function writeSnapshot(writing: SnapshotWriting): Promise<WrittenSnapshot> {
  const volumeGib = Math.ceil(statSync(writing.disk).size / 2 ** 30);
  for (let attempt = 0; attempt < maximumAttempts; attempt += 1) {
    const token = clientToken(writing.request, volumeGib, attempt);
    const found = await findByToken(writing.ec2, token);
    if (found?.State === "error") {
      writing.progress.note(`${found.SnapshotId} was not completed in time: removed, starting again`);
      await writing.ec2.send(new DeleteSnapshotCommand({ SnapshotId: found.SnapshotId }));
      continue;
    }
    const snapshotId = found?.SnapshotId ?? (await startSnapshot(writing, volumeGib, token));
    if (snapshotId === undefined) continue;
    const done = { snapshotId, token, volumeGib };
    if (found?.State === "completed") {
      writing.progress.phase(`${snapshotId} already exists, nothing to send`, 100);
      return { ...done, blocks: await countBlocks(writing.disk) };
    }
    if (found !== undefined) writing.progress.note(`resuming ${snapshotId}, which an earlier run started`);
    return { ...done, blocks: await fillSnapshot(writing, snapshotId, found !== undefined) };
  }
  throw new UserError(
    "aws-snapshot-unfinished",
    `${maximumAttempts} snapshots of this disk were started and have disappeared`,
    "find out what deletes them, and run it again in a day",
  );
}

/** The same request has the same token on every machine and at any time. */
function clientToken(request: SnapshotRequest, volumeGib: number, attempt: number): string {
  const { owner, sha512, description, tags, encrypted, kmsKeyId } = request;
  const sorted = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const all = [owner, sha512, description, sorted, encrypted, kmsKeyId ?? "", volumeGib, attempt];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}

async function findByToken(ec2: EC2Client, token: string): Promise<Snapshot | undefined> {
  const { Snapshots = [] } = await ec2.send(
    new DescribeSnapshotsCommand({
      OwnerIds: ["self"],
      Filters: [{ Name: `tag:${tokenTag}`, Values: [token] }],
    }),
  );
  return Snapshots[0];
}

/** @returns undefined if the token's snapshot is gone, although EBS may still answer with its id */
async function startSnapshot(
  writing: SnapshotWriting,
  volumeGib: number,
  token: string,
): Promise<string | undefined> {
  const { ebs, ec2, request, progress } = writing;
  const started = await ebs.send(startCommand(request, volumeGib, token)).catch((error: unknown) => {
    if (codesOf(error).includes("ResourceNotFoundException")) return undefined;
    throw error;
  });
  if (started === undefined) return undefined;
  const { SnapshotId: id, StartTime, KmsKeyArn } = started;
  if (id === undefined) throw new Error("EBS began a snapshot without an id");
  if (!request.encrypted && KmsKeyArn !== undefined) {
    progress.note(`${id} is encrypted, because the account encrypts by default`);
  }
  // A snapshot that was started long ago would be visible by now.
  const age = (Date.now() - (StartTime?.getTime() ?? Date.now())) / 1000;
  const deadline = performance.now() + (age > visibleSeconds ? 10 : visibleSeconds) * 1000;
  for (;;) {
    const state = (await findById(ec2, id))?.State;
    if (state === "pending" || state === "completed") return id;
    if (state === "error" || performance.now() > deadline) return undefined;
    await sleep(2_000);
  }
}

function startCommand(request: SnapshotRequest, volumeGib: number, token: string): StartSnapshotCommand {
  const { description, tags, encrypted, kmsKeyId } = request;
  return new StartSnapshotCommand({
    VolumeSize: volumeGib,
    ClientToken: token,
    Description: description,
    Timeout: timeoutMinutes,
    Tags: tagList({ ...tags, [tokenTag]: token }),
    ...(encrypted ? { Encrypted: true } : {}),
    ...(encrypted && kmsKeyId !== undefined ? { KmsKeyArn: kmsKeyId } : {}),
  });
}

/** A snapshot. Undefined if EC2 does not know it. */
export async function findById(ec2: EC2Client, id: string): Promise<Snapshot | undefined> {
  try {
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    return Snapshots[0];
  } catch (error) {
    if (codesOf(error).includes("InvalidSnapshot.NotFound")) return undefined;
    throw error;
  }
}

/** Sends all blocks, and completes the snapshot. @returns the number of blocks */
async function fillSnapshot(
  writing: SnapshotWriting,
  snapshotId: string,
  isTakenOver: boolean,
): Promise<number> {
  const { ebs, ec2, disk, progress } = writing;
  const sha256s: Buffer[] = [];
  const report = reporter(progress, statSync(disk).size);
  let patience = completionSeconds;
  try {
    await inParallel(parallelBlocks, diskBlocks(disk), async (block) => {
      await putBlock(ebs, snapshotId, block);
      sha256s[block.index] = block.sha256;
      report(block.index);
      block.release();
    });
    // Drops the gaps that blank blocks leave.
    const written = sha256s.filter(() => true);
    await ebs.send(
      new CompleteSnapshotCommand({
        SnapshotId: snapshotId,
        ChangedBlocksCount: written.length,
        Checksum: aggregatedChecksum(written),
        ChecksumAlgorithm: "SHA256",
        ChecksumAggregationMethod: "LINEAR",
      }),
    );
  } catch (error) {
    // Perhaps the interrupted run completed it already. If so, EBS has checked it against this disk's checksum.
    if (!isTakenOver || !isRefused(error)) throw error;
    patience = sealedSeconds;
  }
  progress.phase(`${snapshotId}: waiting until EBS completes it`, 99);
  try {
    await waitUntilSnapshotCompleted(
      { client: ec2, maxWaitTime: patience, minDelay: 2, maxDelay: 15 },
      { SnapshotIds: [snapshotId] },
    );
  } catch (error) {
    const found = await findById(ec2, snapshotId);
    throw new UserError(
      "aws-snapshot-unfinished",
      `${snapshotId} was not completed within ${patience} s (${found?.State ?? "gone"} ${found?.StateMessage ?? ""})`,
      "run it again: it resumes the snapshot, or starts another",
      { where: snapshotId, cause: error },
    );
  }
  return countBlocks(disk);
}

function isRefused(error: unknown): boolean {
  const codes = ["ValidationException", "ResourceNotFoundException"];
  return codesOf(error).some((code) => codes.includes(code));
}

/**
 * Sends a block. Retries what the SDK does not retry, or not for long enough: EBS takes a while to know a new snapshot
 * everywhere.
 */
async function putBlock(ebs: EBSClient, SnapshotId: string, block: DiskBlock): Promise<void> {
  const sha256 = block.sha256.toString("base64");
  const answer = await pRetry(
    () =>
      ebs.send(
        new PutSnapshotBlockCommand({
          SnapshotId,
          BlockIndex: block.index,
          BlockData: block.bytes,
          DataLength: blockSize,
          Checksum: sha256,
          ChecksumAlgorithm: "SHA256",
        }),
      ),
    {
      retries: 6,
      minTimeout: 1_000,
      maxTimeout: 30_000,
      randomize: true,
      shouldRetry: ({ error }) =>
        awsFaultKind(error) === "throttled" || codesOf(error).includes("ResourceNotFoundException"),
    },
  );
  if (answer.Checksum === sha256) return;
  throw new UserError(
    "aws-data-damaged",
    `EBS received block ${block.index} of ${SnapshotId} corrupted (SHA-256 ${answer.Checksum ?? "unknown"}, expected ${sha256})`,
    "run it again; if it keeps failing, check the network and this machine",
    { where: SnapshotId },
  );
}

async function countBlocks(disk: string): Promise<number> {
  let blocks = 0;
  for await (const { release } of diskBlocks(disk)) {
    blocks += 1;
    release();
  }
  return blocks;
}

/** Reports each tenth of the disk. */
function reporter(progress: Progress, size: number): (index: number) => void {
  let [blocks, tenths] = [0, -1];
  return (index) => {
    blocks += 1;
    const done = (index * blockSize) / size;
    if (Math.floor(done * 10) <= tenths) return;
    tenths = Math.floor(done * 10);
    progress.phase(`write: ${blocks} blocks of 512 KiB`, Math.floor(done * 100));
  };
}
