/** A disk as EBS takes it: in blocks of 512 KiB, those that hold anything. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { isBlank, openImageFile } from "../build/formats/unpack.ts";

/** The only size that EBS direct knows. */
export const blockSize = 512 * 2 ** 10;

export interface DiskBlock {
  /** Its place on the disk, in blocks. */
  index: number;
  /** Always a whole block: what a disk's last one lacks is zeroes. */
  bytes: Buffer;
  sha256: Buffer;
}

/** The raw disk of an image's file: the file itself, or a sparse copy in that folder. */
export async function rawDisk(file: string, folder: string): Promise<string> {
  const { file: disk, driver } = await openImageFile(file, folder);
  if (driver === "raw") return disk;
  const raw = path.join(folder, "disk.raw");
  await execa("qemu-img", ["convert", "-f", driver, "-O", "raw", disk, raw]);
  return raw;
}

/** The blocks that are not all zeroes, in order. */
export async function* diskBlocks(raw: string): AsyncGenerator<DiskBlock> {
  const handle = await open(raw);
  try {
    const { size } = await handle.stat();
    for (let index = 0; index * blockSize < size; index += 1) {
      const bytes = Buffer.alloc(blockSize);
      const length = Math.min(blockSize, size - index * blockSize);
      const { bytesRead } = await handle.read(bytes, 0, length, index * blockSize);
      if (bytesRead !== length) throw new Error(`${raw}: ${bytesRead} of ${length} bytes read`);
      if (isBlank(bytes)) continue;
      yield { index, bytes, sha256: createHash("sha256").update(bytes).digest() };
    }
  } finally {
    await handle.close();
  }
}

/** What EBS calls the linear aggregation: the checksum of the blocks' checksums, in order of their places. */
export function aggregatedChecksum(sha256s: readonly Buffer[]): string {
  return createHash("sha256").update(Buffer.concat(sha256s)).digest("base64");
}
