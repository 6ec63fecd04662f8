/**
 * Virtual hard disks (VHD), following Microsoft's "Virtual Hard Disk Image Format Specification" 1.0. qemu-img writes
 * them with the current time and a random identifier. This module replaces both with values derived from the image's
 * inputs, and validates files strictly.
 */
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { FormatError } from "./format-error.ts";
import { readAt } from "./read-at.ts";

export type VhdKind = "fixed" | "dynamic";

/** The fields that qemu-img sets differently on every run. */
export interface VhdIdentity {
  /** A UUID. */
  uniqueId: string;
  /** Seconds since 1970. */
  time: number;
}

/** A valid VHD. */
export interface Vhd extends VhdIdentity {
  kind: VhdKind;
  /** Bytes of the disk inside. */
  virtualSize: number;
}

const footerSize = 512;
const headerSize = 1024;
/** Block size of dynamic disks; qemu-img uses no other. */
const blockSize = 2 * 2 ** 20;
/** VHD counts seconds from 2000-01-01. */
const epoch = Date.UTC(2000, 0, 1) / 1000;
const nowhere = 0xffffffffffffffffn;
const unallocated = 0xffffffff;

/** Offsets of the footer's fields. */
const at = {
  cookie: 0,
  features: 8,
  version: 12,
  dataOffset: 16,
  time: 24,
  creator: 28,
  creatorVersion: 32,
  creatorOs: 36,
  originalSize: 40,
  currentSize: 48,
  kind: 60,
  checksum: 64,
  uniqueId: 68,
  savedState: 84,
  reserved: 85,
} as const;

/** Offsets of the header's fields. A dynamic disk has a header after the copy of the footer. */
const atHeader = {
  cookie: 0,
  dataOffset: 8,
  tableOffset: 16,
  version: 24,
  entries: 28,
  blockSize: 32,
  checksum: 36,
} as const;

/** Sets time and identifier in the footer and, for a dynamic disk, in its copy. */
export function identifyVhd(file: string, { uniqueId, time }: VhdIdentity): void {
  const descriptor = openSync(file, "r+");
  try {
    const end = fstatSync(descriptor).size - footerSize;
    const footer = readAt(descriptor, end, footerSize);
    footer.writeUInt32BE(time - epoch, at.time);
    footer.set(Buffer.from(uniqueId.replaceAll("-", ""), "hex"), at.uniqueId);
    footer.writeUInt32BE(checksum(footer, at.checksum), at.checksum);
    writeSync(descriptor, footer, 0, footerSize, end);
    if (kindOf(footer) === "dynamic") writeSync(descriptor, footer, 0, footerSize, 0);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads and validates the metadata of a VHD.
 * @throws FormatError for anything that differs from what qemu-img writes with `force_size`
 */
export function readVhd(file: string): Vhd {
  const descriptor = openSync(file, "r");
  try {
    const fileSize = fstatSync(descriptor).size;
    const footer = readAt(descriptor, fileSize - footerSize, footerSize);
    const vhd = readFooter(footer);
    if (vhd.kind === "fixed") {
      expect("size of the file", fileSize, vhd.virtualSize + footerSize);
    } else {
      if (!readAt(descriptor, 0, footerSize).equals(footer))
        throw new FormatError("the copy of its footer differs from the footer");
      checkBlocks(descriptor, vhd.virtualSize, fileSize);
    }
    return vhd;
  } finally {
    closeSync(descriptor);
  }
}

function readFooter(footer: Buffer): Vhd {
  expect("cookie", footer.toString("latin1", at.cookie, at.cookie + 8), "conectix");
  expect("checksum of the footer", footer.readUInt32BE(at.checksum), checksum(footer, at.checksum));
  expect("features", footer.readUInt32BE(at.features), 2);
  expect("version", footer.readUInt32BE(at.version), 0x00010000);
  const kind = kindOf(footer);
  expect(
    "offset of the header",
    footer.readBigUInt64BE(at.dataOffset),
    kind === "fixed" ? nowhere : BigInt(footerSize),
  );
  // This creator tells readers to use the size, not the geometry, which cannot express every size.
  expect("creator", footer.toString("latin1", at.creator, at.creator + 4), "qem2");
  expect("creator's system", footer.toString("latin1", at.creatorOs, at.creatorOs + 4), "Wi2k");
  const virtualSize = Number(footer.readBigUInt64BE(at.currentSize));
  expect("original size", Number(footer.readBigUInt64BE(at.originalSize)), virtualSize);
  if (virtualSize === 0 || virtualSize % 2 ** 20 !== 0)
    throw new FormatError(`its disk size of ${virtualSize} bytes is not a whole number of MiB`);
  expect("saved state", footer.readUInt8(at.savedState), 0);
  if (footer.subarray(at.reserved).some((byte) => byte !== 0))
    throw new FormatError("reserved bytes of its footer are in use");
  const hex = footer.toString("hex", at.uniqueId, at.uniqueId + 16);
  return {
    kind,
    virtualSize,
    uniqueId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    time: footer.readUInt32BE(at.time) + epoch,
  };
}

function kindOf(footer: Buffer): VhdKind {
  const kind = footer.readUInt32BE(at.kind);
  if (kind !== 2 && kind !== 3)
    throw new FormatError(`its disk type is ${kind}, neither fixed (2) nor dynamic (3)`);
  return kind === 2 ? "fixed" : "dynamic";
}

/** Checks that each block of a dynamic disk is unallocated, or at a place in the file that no other block uses. */
function checkBlocks(descriptor: number, virtualSize: number, fileSize: number): void {
  const header = readAt(descriptor, footerSize, headerSize);
  expect("cookie of the header", header.toString("latin1", atHeader.cookie, atHeader.cookie + 8), "cxsparse");
  expect(
    "checksum of the header",
    header.readUInt32BE(atHeader.checksum),
    checksum(header, atHeader.checksum),
  );
  expect("header's data offset", header.readBigUInt64BE(atHeader.dataOffset), nowhere);
  expect("version of the header", header.readUInt32BE(atHeader.version), 0x00010000);
  expect("block size", header.readUInt32BE(atHeader.blockSize), blockSize);
  const blocks = Math.ceil(virtualSize / blockSize);
  const entries = header.readUInt32BE(atHeader.entries);
  if (entries < blocks) throw new FormatError(`its table has ${entries} blocks, but the disk has ${blocks}`);
  const table = readAt(descriptor, Number(header.readBigUInt64BE(atHeader.tableOffset)), entries * 4);
  const bitmapSize = blockSize / 512 / 8;
  const used = new Set<number>();
  for (let block = 0; block < entries; block += 1) {
    const sector = table.readUInt32BE(block * 4);
    if (sector === unallocated) continue;
    if (used.has(sector) || sector * 512 + bitmapSize + blockSize > fileSize - footerSize) {
      throw new FormatError(`block ${block} of its disk overlaps another, or is beyond the end of the file`);
    }
    used.add(sector);
  }
}

/** The complement of the sum of all bytes except the checksum itself. */
function checksum(bytes: Buffer, own: number): number {
  let sum = 0;
  bytes.forEach((byte, index) => {
    if (index < own || index >= own + 4) sum += byte;
  });
  return ~sum >>> 0;
}

function expect<T extends string | number | bigint>(what: string, found: T, wanted: T): void {
  if (found !== wanted) throw new FormatError(`its ${what} is ${shown(found)}, not ${shown(wanted)}`);
}

function shown(value: string | number | bigint): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
