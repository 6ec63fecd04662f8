/** Reads partition tables of raw disks: MBR and GPT, in the forms that this project's disks use. */
import { closeSync, fstatSync, openSync } from "node:fs";
import { crc32 } from "node:zlib";
import { FormatError } from "./formats/format-error.ts";
import { readAt } from "./formats/read-at.ts";

const sector = 512;
/** Bytes of an entry in a GPT. */
const entryLength = 128;

export interface Partition {
  /** Linux's partition number: 1 is /dev/vda1. */
  number: number;
  /** MBR: two hexadecimal digits: `83`. GPT: a GUID in lower case. */
  type: string;
  /** Its GUID in lower case. GPT only; empty for MBR. */
  id: string;
  /** GPT only; empty for MBR. */
  name: string;
  /** Whether a BIOS boots from it. MBR only. */
  active: boolean;
  /** Bytes from the disk's start. */
  start: number;
  /** Bytes. */
  length: number;
}

export interface PartitionTable {
  kind: "MBR" | "GPT";
  /** MBR: eight hexadecimal digits. GPT: a GUID. In lower case. */
  id: string;
  /** Bytes from the disk's start to the end of the space for partitions. MBR: the whole disk. */
  usableEnd: number;
  /** Sorted by number. */
  partitions: Partition[];
}

/**
 * Reads a disk's table and verifies it: partitions must fit the disk and not overlap. Both copies of a GPT must be intact
 * and identical, and the second must be in the disk's last sector, where firmware and clouds look for it.
 * @throws FormatError if there is no valid table
 */
export function readPartitionTable(disk: string): PartitionTable {
  const descriptor = openSync(disk, "r");
  try {
    const size = fstatSync(descriptor).size;
    if (size % sector !== 0) throw new FormatError(`the disk of ${size} bytes ends within a sector`);
    const record = readAt(descriptor, 0, sector);
    if (record.readUInt16LE(510) !== 0xaa55) throw new FormatError("the disk has no partition table");
    const isGpt = [0, 1, 2, 3].some((index) => record[446 + index * 16 + 4] === 0xee);
    const table = isGpt ? readGpt(descriptor, size, record) : readMbr(record, size);
    checkPlaces(table.partitions, size);
    return table;
  } finally {
    closeSync(descriptor);
  }
}

function checkPlaces(partitions: readonly Partition[], size: number): void {
  for (const { number, start, length } of partitions) {
    if (start < sector) throw new FormatError(`partition ${number} starts in the table itself`);
    if (length < sector) throw new FormatError(`partition ${number} ends before it starts`);
    if (start + length > size) throw new FormatError(`partition ${number} reaches beyond the disk's end`);
  }
  const sorted = partitions.toSorted((left, right) => left.start - right.start);
  sorted.slice(1).forEach(({ number, start }, index) => {
    const before = sorted[index]!;
    if (before.start + before.length > start)
      throw new FormatError(`partitions ${before.number} and ${number} overlap`);
  });
}

/** The partitions in an MBR's four entries, whatever their types. */
function mbrEntries(record: Buffer): Partition[] {
  return [0, 1, 2, 3].flatMap((index) => {
    const entry = record.subarray(446 + index * 16, 462 + index * 16);
    if (entry[4] === 0) return [];
    const status = entry[0]!;
    if ((status & 0x7f) !== 0)
      throw new FormatError(`partition ${index + 1} has the status ${hex(status, 2)}`);
    return [
      {
        number: index + 1,
        type: hex(entry[4]!, 2),
        id: "",
        name: "",
        active: status === 0x80,
        start: entry.readUInt32LE(8) * sector,
        length: entry.readUInt32LE(12) * sector,
      },
    ];
  });
}

function readMbr(record: Buffer, size: number): PartitionTable {
  const partitions = mbrEntries(record);
  const extended = partitions.find(({ type }) => ["05", "0f", "85"].includes(type));
  if (extended !== undefined)
    throw new FormatError(`partition ${extended.number} is an extended one, which is not supported`);
  return { kind: "MBR", id: hex(record.readUInt32LE(440), 8), usableEnd: size, partitions };
}

function readGpt(descriptor: number, size: number, record: Buffer): PartitionTable {
  const last = size / sector - 1;
  const [protection, ...others] = mbrEntries(record);
  if (protection?.type !== "ee" || protection.start !== sector || others.length > 0)
    throw new FormatError("the MBR before the GPT does not protect it as a single partition");
  const first = readGptCopy(descriptor, 1, last);
  const second = readGptCopy(descriptor, last, 1);
  if (!first.equals(second)) throw new FormatError("the two copies of the GPT are different");

  const firstUsable = Number(first.readBigUInt64LE(0)) * sector;
  const usableEnd = (Number(first.readBigUInt64LE(8)) + 1) * sector;
  const entries = first.subarray(32);
  const tableSectors = 1 + entries.length / sector;
  if (firstUsable < (1 + tableSectors) * sector || usableEnd > size - tableSectors * sector)
    throw new FormatError("the GPT itself is in the space for partitions");
  const partitions: Partition[] = [];
  for (let offset = 0; offset < entries.length; offset += entryLength) {
    const entry = entries.subarray(offset, offset + entryLength);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const number = offset / entryLength + 1;
    const start = Number(entry.readBigUInt64LE(32)) * sector;
    const end = (Number(entry.readBigUInt64LE(40)) + 1) * sector;
    if (start < firstUsable || end > usableEnd)
      throw new FormatError(`partition ${number} is outside of the space for partitions`);
    const name = entry.toString("utf16le", 56).replace(/\0.*$/s, "");
    partitions.push({
      number,
      type: guid(entry),
      id: guid(entry.subarray(16)),
      name,
      active: false,
      start,
      length: end - start,
    });
  }
  if (new Set(partitions.map(({ id }) => id)).size < partitions.length)
    throw new FormatError("two partitions have the same GUID");
  return { kind: "GPT", id: guid(first.subarray(16)), usableEnd, partitions };
}

/** What both copies must share: first and last usable sector and the disk's GUID, 32 bytes, then the entries. */
function readGptCopy(descriptor: number, at: number, other: number): Buffer {
  const where = `the GPT in sector ${at}`;
  const header = readAt(descriptor, at * sector, sector).subarray(0, 92);
  if (header.toString("latin1", 0, 8) !== "EFI PART") throw new FormatError(`${where} is missing`);
  const sum = header.readUInt32LE(16);
  header.writeUInt32LE(0, 16);
  if (header.readUInt32LE(12) !== header.length || crc32(header) !== sum)
    throw new FormatError(`${where} has a wrong checksum`);
  const places = [24, 32].map((offset) => Number(header.readBigUInt64LE(offset)));
  if (places[0] !== at || places[1] !== other) {
    throw new FormatError(
      `${where} says that the copies are in ${places.join(" and ")}, but the disk ends at ${Math.max(at, other)}`,
    );
  }
  const length = header.readUInt32LE(80) * entryLength;
  // The size that all tools make.
  if (length !== 128 * entryLength || header.readUInt32LE(84) !== entryLength)
    throw new FormatError(`${where} does not have 128 entries of ${entryLength} bytes`);
  const start = Number(header.readBigUInt64LE(72));
  if (start !== (at < other ? at + 1 : at - length / sector))
    throw new FormatError(`${where} has its entries in sector ${start}, not beside it`);
  const entries = readAt(descriptor, start * sector, length);
  if (crc32(entries) !== header.readUInt32LE(88)) {
    throw new FormatError(`${where} has entries that do not match their checksum`);
  }
  return Buffer.concat([header.subarray(40, 72), entries]);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** A GUID as text: its first three groups are little-endian numbers. */
function guid(bytes: Buffer): string {
  return [
    hex(bytes.readUInt32LE(0), 8),
    hex(bytes.readUInt16LE(4), 4),
    hex(bytes.readUInt16LE(6), 4),
    bytes.toString("hex", 8, 10),
    bytes.toString("hex", 10, 16),
  ].join("-");
}
