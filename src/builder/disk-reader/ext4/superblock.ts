/** The superblock of ext4: what the rest is read by, and what the disk check compares. */
import { FormatError } from "../../formats/format-error.ts";
import { crc32c } from "../crc32c.ts";
import { textOf } from "../text.ts";
import type { Volume } from "../volume.ts";

/** Names of features by bit, as e2fsprogs prints them. `-` has none. */
const compatible =
  "dir_prealloc imagic_inodes has_journal ext_attr resize_inode dir_index lazy_bg snapshot_exclude " +
  "snapshot_bitmap sparse_super2 fast_commit stable_inodes orphan_file";
const incompatible =
  "compression filetype needs_recovery journal_dev meta_bg - extent 64bit mmp flex_bg ea_inode - dirdata " +
  "metadata_csum_seed large_dir inline_data encrypt casefold";
const readOnlyCompatible =
  "sparse_super large_file btree_dir huge_file uninit_bg dir_nlink extra_isize snapshot quota bigalloc " +
  "metadata_csum replica read-only project shared_blocks verity orphan_present";

/** Features that change what this reader reads, and that it knows. Without `filetype`, directories have another form. */
const known = new Set(["filetype", "extent", "flex_bg"]);
/** Features that it may ignore by ext4's rules, but that change where blocks are. */
const refused = ["sparse_super2", "bigalloc"];

export interface Superblock {
  /** Bytes. */
  blockSize: number;
  blockCount: number;
  /** The block that the superblock is in: 1 if blocks have 1 KiB, otherwise 0. */
  firstBlock: number;
  blocksPerGroup: number;
  groupCount: number;
  /** Blocks after the group descriptors that are kept for more of them. */
  reservedDescriptorBlocks: number;
  inodesPerGroup: number;
  inodeCount: number;
  /** Bytes. */
  inodeSize: number;
  /** Start of all checksums of metadata, or undefined if there are none. */
  checksumSeed: number | undefined;
  /** 0 if the filesystem has no journal in a file. */
  journalInode: number;
  features: string[];
  label: string;
  uuid: string;
  hashSeed: string;
  /** Whether it was unmounted, and no errors were found in it. */
  clean: boolean;
  mountCount: number;
  /** Times in seconds. */
  created: number;
  written: number;
  checked: number;
}

/** @throws FormatError if there is no ext4, or one of a kind that this reader does not know */
export function readSuperblock(volume: Volume): Superblock {
  const bytes = volume.read(1024, 1024);
  if (bytes.readUInt16LE(0x38) !== 0xef53) throw new FormatError("it is no ext4 filesystem");
  const incompatibleNames = names(bytes.readUInt32LE(0x60), incompatible, "I");
  const features = [
    ...names(bytes.readUInt32LE(0x5c), compatible, "C"),
    ...incompatibleNames,
    ...names(bytes.readUInt32LE(0x64), readOnlyCompatible, "R"),
  ];
  const unknown = [
    ...incompatibleNames.filter((name) => !known.has(name)),
    ...refused.filter((name) => features.includes(name)),
  ];
  if (unknown.length > 0)
    throw new FormatError(`it has features that this reader does not know: ${unknown.join(", ")}`);
  if (!features.includes("filetype")) throw new FormatError("it does not have the feature filetype");

  const uuid = bytes.subarray(0x68, 0x78);
  const hasChecksums = features.includes("metadata_csum");
  if (hasChecksums) {
    if (bytes[0x175] !== 1) throw new FormatError("its checksums are of an unknown type");
    if (crc32c(~0, bytes.subarray(0, 0x3fc)) !== bytes.readUInt32LE(0x3fc))
      throw new FormatError("its superblock has a wrong checksum");
  }
  return {
    ...geometry(bytes, volume),
    checksumSeed: hasChecksums ? crc32c(~0, uuid) : undefined,
    journalInode: features.includes("has_journal") ? bytes.readUInt32LE(0xe0) : 0,
    features,
    label: untilZero(bytes.subarray(0x78, 0x88)),
    uuid: uuidText(uuid),
    hashSeed: uuidText(bytes.subarray(0xec, 0xfc)),
    clean: bytes.readUInt16LE(0x3a) === 1,
    mountCount: bytes.readUInt16LE(0x34),
    created: bytes.readUInt32LE(0x108) + bytes[0x276]! * 2 ** 32,
    written: bytes.readUInt32LE(0x30) + bytes[0x274]! * 2 ** 32,
    checked: bytes.readUInt32LE(0x40) + bytes[0x277]! * 2 ** 32,
  };
}

type Geometry = Pick<
  Superblock,
  | "blockSize"
  | "blockCount"
  | "firstBlock"
  | "blocksPerGroup"
  | "groupCount"
  | "reservedDescriptorBlocks"
  | "inodesPerGroup"
  | "inodeCount"
  | "inodeSize"
>;

/** Refuses what mke2fs never makes: everything that is read later relies on these numbers. */
function geometry(bytes: Buffer, volume: Volume): Geometry {
  const check = (holds: boolean, what: string, found: number): void => {
    if (!holds) throw new FormatError(`its superblock has an invalid ${what}: ${found}`);
  };
  const revision = bytes.readUInt32LE(0x4c);
  check(revision === 1, "revision", revision);
  const logBlockSize = bytes.readUInt32LE(0x18);
  check(logBlockSize <= 2, "block size (as a power of 2, in KiB)", logBlockSize);
  const blockSize = 1024 << logBlockSize;
  const blockCount = bytes.readUInt32LE(4);
  const firstBlock = bytes.readUInt32LE(0x14);
  check(firstBlock === (blockSize === 1024 ? 1 : 0), "first block", firstBlock);
  check(
    blockCount > firstBlock + 1 && blockCount * blockSize <= volume.length,
    "number of blocks",
    blockCount,
  );
  const blocksPerGroup = bytes.readUInt32LE(0x20);
  check(blocksPerGroup === blockSize * 8, "number of blocks per group", blocksPerGroup);
  const groupCount = Math.ceil((blockCount - firstBlock) / blocksPerGroup);
  const inodesPerGroup = bytes.readUInt32LE(0x28);
  check(inodesPerGroup > 0 && inodesPerGroup <= blockSize * 8, "number of inodes per group", inodesPerGroup);
  const inodeCount = bytes.readUInt32LE(0);
  check(inodeCount === inodesPerGroup * groupCount, "number of inodes", inodeCount);
  const inodeSize = bytes.readUInt16LE(0x58);
  check([128, 256, 512, 1024].includes(inodeSize), "inode size", inodeSize);
  const reservedDescriptorBlocks = bytes.readUInt16LE(0xce);
  check(reservedDescriptorBlocks <= blockSize / 4, "number of reserved blocks", reservedDescriptorBlocks);
  return {
    blockSize,
    blockCount,
    firstBlock,
    blocksPerGroup,
    groupCount,
    reservedDescriptorBlocks,
    inodesPerGroup,
    inodeCount,
    inodeSize,
  };
}

/** A feature without a name gets its bit's number, as e2fsprogs prints it. */
function names(bits: number, known: string, set: string): string[] {
  const table = known.split(" ").map((name) => (name === "-" ? "" : name));
  return Array.from({ length: 32 }, (_, bit) => bit)
    .filter((bit) => ((bits >>> bit) & 1) === 1)
    .map((bit) => table[bit] || `FEATURE_${set}${bit}`);
}

function untilZero(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return textOf(end < 0 ? bytes : bytes.subarray(0, end));
}

function uuidText(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
