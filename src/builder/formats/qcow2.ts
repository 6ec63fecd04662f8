/**
 * Writes disks as qcow2 with compressed clusters. qemu-img does that either on one core, or (`-W`) with clusters in
 * the order in which they happen to be ready. This uses all cores and always writes the same bytes.
 */
import { closeSync, ftruncateSync, openSync, statSync } from "node:fs";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { deflateRaw, type ZlibOptions } from "node:zlib";
import { chunksWithContent, type DiskChunk } from "./disk-content.ts";
import { clusterSize, Qcow2Tables } from "./qcow2-tables.ts";
import { writeAt } from "./write-at.ts";

/** QEMU unpacks with a window of 12 bits. Level 6 takes a tenth longer and saves 0.05 %; memLevel 8 likewise 0.1 %. */
const deflating: ZlibOptions = { windowBits: 12, level: 5, memLevel: 9, chunkSize: clusterSize };
/** Clusters in work at once: more than Node has threads for that. */
const concurrency = 8;
/** Incompressible clusters that are placed together. They start at a cluster's boundary, so each time leaves a gap. */
const mostWaiting = 64;

/**
 * Converts a raw disk. Takes some 8 MiB of memory, besides 64 KiB for each 512 MiB of the disk with any content.
 * @param target is overwritten
 * @throws UserError if QEMU cannot open the disk
 */
export async function writeQcow2(disk: string, target: string): Promise<void> {
  const tables = new Qcow2Tables(statSync(disk).size);
  const descriptor = openSync(target, "w");
  try {
    const waiting: DiskChunk[] = [];
    const placeWaiting = (): void => {
      for (const { index, bytes } of waiting.splice(0)) writeAt(descriptor, tables.place(index), bytes);
    };
    const clusters = Readable.from(chunksWithContent(disk, clusterSize)).map(compress, { concurrency });
    for await (const { index, bytes, compressed } of clusters as AsyncIterable<CompressedCluster>) {
      if (compressed.length < clusterSize) {
        writeAt(descriptor, tables.placeCompressed(index, compressed.length), compressed);
      } else if (waiting.push({ index, bytes }) === mostWaiting) {
        placeWaiting();
      }
    }
    placeWaiting();
    for (const { position, bytes } of tables.parts()) writeAt(descriptor, position, bytes);
    ftruncateSync(descriptor, tables.fileSize);
  } finally {
    closeSync(descriptor);
  }
}

interface CompressedCluster extends DiskChunk {
  compressed: Buffer;
}

async function compress({ index, bytes }: DiskChunk): Promise<CompressedCluster> {
  // The last cluster of a disk may be short, but is stored whole.
  const whole = bytes.length < clusterSize ? Buffer.concat([bytes], clusterSize) : bytes;
  return { index, bytes: whole, compressed: await promisify(deflateRaw)(whole, deflating) };
}
