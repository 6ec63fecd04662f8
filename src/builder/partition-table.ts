/** Reads partition tables of raw disks: MBR and GPT, in the forms that this project's disks use. */
import { closeSync, fstatSync, openSync } from "node:fs";
import { crc32 } from "node:zlib";
import { FormatError } from "./formats/format-error.ts";
import { readAt } from "./formats/read-at.ts";

const sector = 512;

export interface Partition {
  /** Linux's partition number: 1 is /dev/vda1. */
  number: number;
  /** GPT only; empty for MBR. */
  name: string;
  /** Bytes from the disk's start. */
  start: number;
  /** Bytes. */
  length: number;
}

export interface PartitionTable {
  kind: "MBR" | "GPT";
  /** Sorted by number. */
  partitions: Partition[];
}

/**
 * Reads a disk's table. Both copies of a GPT must be intact and identical, and the second must be in the disk's last
 * sector, where firmware and clouds look for it.
 * @throws FormatError if there is no valid table
 */
export function readPartitionTable(disk: string): PartitionTable {
  const descriptor = openSync(disk, "r");
  try {
    const size = fstatSync(descriptor).size;
    const record = readAt(descriptor, 0, sector);
    if (record.readUInt16LE(510) !== 0xaa55) throw new FormatError("the disk has no partition table");
    const entries = [0, 1, 2, 3].map((index) => record.subarray(446 + index * 16, 462 + index * 16));
    const isGpt = entries.some((entry) => entry[4] === 0xee);
    const partitions = isGpt ? readGpt(descriptor, size) : readMbr(entries);
    for (const { number, start, length } of partitions) {
      if (start + length > size) throw new FormatError(`partition ${number} reaches beyond the disk's end`);
    }
    return { kind: isGpt ? "GPT" : "MBR", partitions };
  } finally {
    closeSync(descriptor);
  }
}

function readMbr(entries: readonly Buffer[]): Partition[] {
  return entries.flatMap((entry, index) =>
    entry[4] === 0
      ? []
      : [
          {
            number: index + 1,
            name: "",
            start: entry.readUInt32LE(8) * sector,
            length: entry.readUInt32LE(12) * sector,
          },
        ],
  );
}

function readGpt(descriptor: number, size: number): Partition[] {
  const last = size / sector - 1;
  const first = readGptCopy(descriptor, 1, last);
  const second = readGptCopy(descriptor, last, 1);
  if (!first.equals(second)) throw new FormatError("the two copies of the GPT have different partitions");
  const partitions: Partition[] = [];
  for (let offset = 0; offset < first.length; offset += 128) {
    const entry = first.subarray(offset, offset + 128);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const start = Number(entry.readBigUInt64LE(32)) * sector;
    const end = (Number(entry.readBigUInt64LE(40)) + 1) * sector;
    const name = entry.toString("utf16le", 56).replace(/\0.*$/, "");
    partitions.push({ number: offset / 128 + 1, name, start, length: end - start });
  }
  return partitions;
}

/** The entries of the copy whose header is in that sector. */
function readGptCopy(descriptor: number, at: number, other: number): Buffer {
  const where = `the GPT in sector ${at}`;
  const header = readAt(descriptor, at * sector, sector).subarray(0, 92);
  if (header.toString("latin1", 0, 8) !== "EFI PART") throw new FormatError(`${where} is missing`);
  const sum = header.readUInt32LE(16);
  header.writeUInt32LE(0, 16);
  if (crc32(header) !== sum) throw new FormatError(`${where} has a wrong checksum`);
  const places = [24, 32].map((offset) => Number(header.readBigUInt64LE(offset)));
  if (places[0] !== at || places[1] !== other) {
    throw new FormatError(
      `${where} says that the copies are in ${places.join(" and ")}, but the disk ends at ${Math.max(at, other)}`,
    );
  }
  const entries = readAt(
    descriptor,
    Number(header.readBigUInt64LE(72)) * sector,
    header.readUInt32LE(80) * header.readUInt32LE(84),
  );
  if (header.readUInt32LE(84) !== 128 || crc32(entries) !== header.readUInt32LE(88)) {
    throw new FormatError(`${where} has entries that do not match their checksum`);
  }
  return entries;
}
