/** Reads the content of a raw disk, most of which is usually empty. */
import { closeSync, openSync, statSync } from "node:fs";
import { z } from "zod";
import { qemuImg } from "../qemu-img.ts";
import { readAt } from "./read-at.ts";

const mapSchema = z.array(z.object({ start: z.number(), length: z.number(), zero: z.boolean() }));

/** A part of a disk. */
export interface DiskChunk {
  /** Its number: it starts at `index` times the size of a chunk. */
  index: number;
  bytes: Buffer;
}

/**
 * The chunks of a disk that are not blank, in order. Holes in the disk's file are not read.
 * @param chunkSize bytes of a chunk. The last one of a disk may be shorter.
 * @throws UserError if QEMU cannot open the disk
 */
export async function* chunksWithContent(disk: string, chunkSize: number): AsyncGenerator<DiskChunk> {
  const { size } = statSync(disk);
  // Node cannot ask for holes (SEEK_HOLE).
  const map = mapSchema.parse(JSON.parse(await qemuImg("map", "-f", "raw", "--output=json", disk)));
  const descriptor = openSync(disk, "r");
  try {
    let next = 0;
    for (const { start, length } of map.filter(({ zero }) => !zero)) {
      const end = Math.min(Math.ceil((start + length) / chunkSize), Math.ceil(size / chunkSize));
      for (let index = Math.max(next, Math.floor(start / chunkSize)); index < end; index += 1) {
        const position = index * chunkSize;
        const bytes = readAt(descriptor, position, Math.min(chunkSize, size - position));
        if (!isBlank(bytes)) yield { index, bytes };
      }
      next = Math.max(next, end);
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * All chunks of a disk, in order. Blank ones are the same buffer each time, which must not be changed.
 * @param chunkSize bytes of a chunk. The last one of a disk may be shorter.
 * @throws UserError if QEMU cannot open the disk
 */
export async function* allChunks(disk: string, chunkSize: number): AsyncGenerator<Buffer> {
  const { size } = statSync(disk);
  const blank = Buffer.alloc(chunkSize);
  let position = 0;
  for await (const { index, bytes } of chunksWithContent(disk, chunkSize)) {
    for (; position < index * chunkSize; position += chunkSize) yield blank;
    yield bytes;
    position += chunkSize;
  }
  for (; position + chunkSize <= size; position += chunkSize) yield blank;
  if (position < size) yield blank.subarray(0, size - position);
}

/** Whether all bytes are zero: the first is zero, and each equals the one before. */
export function isBlank(chunk: Buffer): boolean {
  return chunk[0] === 0 && chunk.subarray(1).equals(chunk.subarray(0, -1));
}
