/** Reads a file as S3 takes it: in parts, each with its SHA-256. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { BufferPool } from "../../../src/lib/parallel.ts";

export interface FilePart {
  /** From 1 on. */
  number: number;
  bytes: Buffer;
  /** In base64, as S3 has it. */
  sha256: string;
  /** Releases the bytes: their buffer is reused for another part. */
  release: () => void;
}

/** S3 takes at most 10,000 parts, each of at least 5 MiB except the last. */
const maximumParts = 10_000;
const usualPartSize = 8 * 2 ** 20;

/**
 * The size of each part except the last, in bytes. It depends on the file's size alone: objects are recognised by the
 * checksum of their parts' checksums, which another part size would change.
 */
export function partSizeOf(fileSize: number): number {
  const needed = Math.ceil(fileSize / maximumParts / 2 ** 20) * 2 ** 20;
  return Math.max(usualPartSize, needed);
}

/**
 * The parts in order. Parts stay in memory until they are released.
 * @param whole is updated with everything that is read
 */
export async function* readParts(file: string, fileSize: number, whole?: Hash): AsyncGenerator<FilePart> {
  const pool = new BufferPool(partSizeOf(fileSize));
  const handle = await open(file);
  try {
    for (let number = 1; (number - 1) * pool.size < fileSize; number += 1) {
      const position = (number - 1) * pool.size;
      const buffer = pool.take();
      const bytes = buffer.subarray(0, Math.min(pool.size, fileSize - position));
      await readFully(handle, bytes, position);
      whole?.update(bytes);
      const sha256 = createHash("sha256").update(bytes).digest("base64");
      yield { number, bytes, sha256, release: () => pool.give(buffer) };
    }
  } finally {
    await handle.close();
  }
}

/** Fills a buffer from a place in a file. */
export async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let read = 0; read < buffer.length;) {
    const { bytesRead } = await handle.read(buffer, read, buffer.length - read, position + read);
    if (bytesRead === 0)
      throw new Error(`the file became shorter while it was read: byte ${position + read}`);
    read += bytesRead;
  }
}

/** S3's composite checksum: the checksum of the parts' checksums. */
export function compositeChecksum(sha256s: readonly string[]): string {
  const hash = createHash("sha256");
  for (const sha256 of sha256s) hash.update(sha256, "base64");
  return hash.digest("base64");
}
