/** Finds the blocks in which two disks differ, and the partitions that they are in. */
import { closeSync, openSync, readSync } from "node:fs";
import type { PartitionTable } from "../partition-table.ts";

/** The block size of ext4 in images, and of most disks. */
export const blockSize = 4096;
const chunkSize = 2 ** 20;

/** The blocks in which two files differ: for each, the position of the first differing byte. */
export function differingBytes(first: string, second: string): number[] {
  const files = [first, second].map((file) => openSync(file, "r"));
  const buffers = files.map(() => Buffer.alloc(chunkSize));
  const found: number[] = [];
  try {
    for (let position = 0; ; position += chunkSize) {
      const [left, right] = files.map((file, index) => {
        const buffer = buffers[index]!;
        return buffer.subarray(0, readSync(file, buffer, 0, chunkSize, position));
      }) as [Buffer, Buffer];
      if (left.length === 0 && right.length === 0) return found;
      if (left.equals(right)) continue;
      for (let block = 0; block < Math.max(left.length, right.length); block += blockSize) {
        const [ours, theirs] = [left, right].map((bytes) => bytes.subarray(block, block + blockSize)) as [
          Buffer,
          Buffer,
        ];
        if (ours.equals(theirs)) continue;
        const same = ours.findIndex((byte, index) => byte !== theirs[index]);
        found.push(position + block + (same < 0 ? ours.length : same));
      }
    }
  } finally {
    files.forEach(closeSync);
  }
}

/** A part of a disk, and the differences in it. */
export interface DifferingPart {
  /** For messages: `partition 2 (/)`, `before the first partition`. */
  name: string;
  /** Bytes from the disk's start, if it is a partition. */
  start?: number;
  /** Bytes from the disk's start. */
  differences: number[];
}

/** Groups differences by the parts of a disk that contain them. Omits parts without differences. */
export function byPartition(table: PartitionTable, differences: readonly number[]): DifferingPart[] {
  const parts = new Map<string, DifferingPart>();
  for (const at of differences) {
    const partition = table.partitions.find(({ start, length }) => at >= start && at < start + length);
    const isBehind = table.partitions.some(({ start }) => at >= start);
    const label = partition?.name === "" ? "" : ` (${partition?.name})`;
    const name =
      partition !== undefined
        ? `partition ${partition.number}${label}`
        : isBehind
          ? `${table.kind}, behind a partition`
          : `${table.kind} and boot code, before the first partition`;
    const part = parts.get(name) ?? { name, ...(partition && { start: partition.start }), differences: [] };
    part.differences.push(at);
    parts.set(name, part);
  }
  return [...parts.values()];
}
