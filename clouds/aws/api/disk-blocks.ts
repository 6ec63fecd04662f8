/** Reads a disk as EBS direct takes it: in blocks of 512 KiB, without blank ones. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { isBlank } from "../../../src/builder/formats/disk-content.ts";
import { readFully } from "./file-parts.ts";
import { BufferPool } from "../../../src/lib/parallel.ts";

/** The only block size that EBS direct supports. */
export const blockSize = 512 * 2 ** 10;

export interface DiskBlock {
  /** Its place on the disk, in blocks. */
  index: number;
  /** Always a whole block: a disk's last block is padded with zeroes. */
  bytes: Buffer;
  sha256: Buffer;
  /** Releases the bytes: their buffer is reused for another block. */
  release: () => void;
}

/** The blocks that are not all zeroes, in order. Blocks stay in memory until they are released. */
export async function* diskBlocks(raw: string): AsyncGenerator<DiskBlock> {
  const pool = new BufferPool(blockSize);
  const handle = await open(raw);
  try {
    const { size } = await handle.stat();
    for (let index = 0; index * blockSize < size; index += 1) {
      const bytes = pool.take();
      const length = Math.min(blockSize, size - index * blockSize);
      await readFully(handle, bytes.subarray(0, length), index * blockSize);
      bytes.fill(0, length);
      const release = (): void => pool.give(bytes);
      if (isBlank(bytes)) release();
      else yield { index, bytes, sha256: createHash("sha256").update(bytes).digest(), release };
    }
  } finally {
    await handle.close();
  }
}

/** EBS's linear aggregation: the checksum of the blocks' checksums, in the blocks' order. */
export function aggregatedChecksum(sha256s: readonly Buffer[]): string {
  return createHash("sha256").update(Buffer.concat(sha256s)).digest("base64");
}
