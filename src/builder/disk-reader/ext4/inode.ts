/** Inodes of ext4. */
import { FormatError } from "../../formats/format-error.ts";
import { crc32c, crc32cOfNumber } from "../crc32c.ts";

/** Bytes of an inode in the first version of the format. Further fields follow, as many as it says. */
const baseSize = 128;

/** Flags of files whose content is somewhere else than in plain blocks. */
const unknownFlags: Record<number, string> = {
  0x800: "is encrypted",
  0x200000: "is an extended attribute",
  0x10000000: "has its content in the inode",
};
const extentsFlag = 0x80000;

const kinds: Record<number, Inode["kind"]> = { 0o4: "folder", 0o10: "file", 0o12: "link" };
/** Type bits of modes → types in directories. */
const directoryTypes: Record<number, number> = {
  0o10: 1,
  0o4: 2,
  0o2: 3,
  0o6: 4,
  0o1: 5,
  0o14: 6,
  0o12: 7,
};

export interface Inode {
  number: number;
  kind: "file" | "folder" | "link" | "other";
  /** The type that a directory must have for it. */
  directoryType: number;
  /** Permissions with set-uid, set-gid and sticky bits: `0o4755`. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes. */
  size: number;
  /** Times of last access, content change and metadata change, in seconds with fractions. */
  times: [number, number, number];
  hasExtents: boolean;
  /** Whether it has blocks besides one for extended attributes. */
  hasBlocks: boolean;
  /** The root of its extents, or the target of a short link: 60 bytes. */
  block: Buffer;
  /** Start of the checksums of its blocks, or undefined if there are none. */
  checksumSeed: number | undefined;
}

/**
 * @param bytes the whole inode
 * @param seed start of all checksums, if there are checksums
 * @throws FormatError if it is not in use, has a wrong checksum, or is of a kind that this reader does not know
 */
export function parseInode(
  number: number,
  bytes: Buffer,
  blockSize: number,
  seed: number | undefined,
): Inode {
  const fault = (what: string): FormatError => new FormatError(`inode ${number} ${what}`);
  const extraSize = bytes.length > baseSize ? bytes.readUInt16LE(0x80) : 0;
  if (baseSize + extraSize > bytes.length || extraSize % 4 !== 0)
    throw fault(`has ${extraSize} bytes of further fields`);
  const generation = bytes.readUInt32LE(0x64);
  const ownSeed = seed === undefined ? undefined : crc32cOfNumber(crc32cOfNumber(seed, number), generation);
  if (ownSeed !== undefined && !hasRightChecksum(bytes, ownSeed, extraSize >= 4))
    throw fault("has a wrong checksum");

  const mode = bytes.readUInt16LE(0);
  const directoryType = directoryTypes[mode >>> 12];
  if (directoryType === undefined || bytes.readUInt16LE(0x1a) === 0) throw fault("is not in use");
  const flags = bytes.readUInt32LE(0x20);
  for (const [flag, what] of Object.entries(unknownFlags)) {
    if ((flags & Number(flag)) !== 0) throw fault(`${what}, which this reader does not know`);
  }
  const size = bytes.readUInt32LE(4) + bytes.readUInt32LE(0x6c) * 2 ** 32;
  if (!Number.isSafeInteger(size)) throw fault(`has the size ${size}`);

  const blocks = bytes.readUInt32LE(0x1c) + bytes.readUInt16LE(0x74) * 2 ** 32;
  const attributeBlocks = bytes.readUInt32LE(0x68) === 0 ? 0 : blockSize / 512;
  const time = (at: number, extraAt: number): number => {
    const extra = extraAt + 4 <= baseSize + extraSize ? bytes.readUInt32LE(extraAt) : 0;
    return bytes.readInt32LE(at) + (extra & 3) * 2 ** 32 + (extra >>> 2) / 1e9;
  };
  return {
    number,
    kind: kinds[mode >>> 12] ?? "other",
    directoryType,
    mode: mode & 0o7777,
    uid: bytes.readUInt16LE(2) + bytes.readUInt16LE(0x78) * 2 ** 16,
    gid: bytes.readUInt16LE(0x18) + bytes.readUInt16LE(0x7a) * 2 ** 16,
    size,
    times: [time(8, 0x8c), time(0x10, 0x88), time(0xc, 0x84)],
    hasExtents: (flags & extentsFlag) !== 0,
    hasBlocks: blocks !== attributeBlocks,
    block: bytes.subarray(0x28, 0x64),
    checksumSeed: ownSeed,
  };
}

/** The checksum covers the inode with its own fields as zero. Its high half is among the further fields. */
function hasRightChecksum(bytes: Buffer, seed: number, hasHighHalf: boolean): boolean {
  const copy = Buffer.from(bytes);
  const low = copy.readUInt16LE(0x7c);
  copy.writeUInt16LE(0, 0x7c);
  if (!hasHighHalf) return (crc32c(seed, copy) & 0xffff) === low;
  const high = copy.readUInt16LE(0x82);
  copy.writeUInt16LE(0, 0x82);
  return crc32c(seed, copy) === low + high * 2 ** 16;
}
