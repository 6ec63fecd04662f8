/** The block groups of ext4: where inodes are, and which blocks are free. */
import { FormatError } from "../../formats/format-error.ts";
import { crc32c, crc32cOfNumber } from "../crc32c.ts";
import type { Volume } from "../volume.ts";
import type { Superblock } from "./superblock.ts";

/** Bytes of a descriptor in a filesystem with 32-bit block numbers. */
const descriptorSize = 32;
/** The block bitmap was not written: nothing is in the group but metadata. */
const blockBitmapUnset = 2;

export interface Group {
  blockBitmap: number;
  inodeBitmap: number;
  inodeTable: number;
  hasBlockBitmap: boolean;
  /** The low half of the checksum. */
  blockBitmapChecksum: number;
}

/** @throws FormatError if a descriptor has a wrong checksum or refers to blocks outside of the filesystem */
export function readGroups(volume: Volume, superblock: Superblock): Group[] {
  const { blockSize, blockCount, firstBlock, groupCount, inodesPerGroup, inodeSize, checksumSeed, features } =
    superblock;
  const bytes = volume.read((firstBlock + 1) * blockSize, groupCount * descriptorSize);
  const tableBlocks = Math.ceil((inodesPerGroup * inodeSize) / blockSize);
  // Without checksums in descriptors, the flags have no meaning.
  const hasFlags = checksumSeed !== undefined || features.includes("uninit_bg");
  return Array.from({ length: groupCount }, (_, number) => {
    const descriptor = bytes.subarray(number * descriptorSize, (number + 1) * descriptorSize);
    if (checksumSeed !== undefined) {
      const sum = descriptor.readUInt16LE(0x1e);
      descriptor.writeUInt16LE(0, 0x1e);
      if ((crc32c(crc32cOfNumber(checksumSeed, number), descriptor) & 0xffff) !== sum)
        throw new FormatError(`group ${number} has a wrong checksum`);
    }
    const group = {
      blockBitmap: descriptor.readUInt32LE(0),
      inodeBitmap: descriptor.readUInt32LE(4),
      inodeTable: descriptor.readUInt32LE(8),
      hasBlockBitmap: !hasFlags || (descriptor.readUInt16LE(0x12) & blockBitmapUnset) === 0,
      blockBitmapChecksum: descriptor.readUInt16LE(0x18),
    };
    const places = [group.blockBitmap, group.inodeBitmap, group.inodeTable];
    if (
      places.some((block) => block <= firstBlock || block >= blockCount) ||
      group.inodeTable + tableBlocks > blockCount
    )
      throw new FormatError(`group ${number} has its tables in blocks ${places.join(", ")} of ${blockCount}`);
    return group;
  });
}

/** First and last block of each run of free blocks, group by group. */
export function* freeRuns(
  volume: Volume,
  superblock: Superblock,
  groups: readonly Group[],
): Generator<[first: number, last: number]> {
  const { firstBlock, blocksPerGroup, blockCount } = superblock;
  for (const [number, group] of groups.entries()) {
    const start = firstBlock + number * blocksPerGroup;
    const count = Math.min(blocksPerGroup, blockCount - start);
    const bitmap = group.hasBlockBitmap
      ? readBitmap(volume, superblock, group, number)
      : impliedBitmap(superblock, group, number);
    let first: number | undefined;
    for (let index = 0; index < count; index++) {
      const isFree = ((bitmap[index >>> 3]! >>> (index & 7)) & 1) === 0;
      if (isFree) first ??= start + index;
      else if (first !== undefined) {
        yield [first, start + index - 1];
        first = undefined;
      }
    }
    if (first !== undefined) yield [first, start + count - 1];
  }
}

function readBitmap(
  volume: Volume,
  { blockSize, checksumSeed }: Superblock,
  { blockBitmap, blockBitmapChecksum }: Group,
  number: number,
): Buffer {
  // A group has as many blocks as a block has bits.
  const bitmap = volume.read(blockBitmap * blockSize, blockSize);
  if (checksumSeed !== undefined && (crc32c(checksumSeed, bitmap) & 0xffff) !== blockBitmapChecksum)
    throw new FormatError(`the block bitmap of group ${number} has a wrong checksum`);
  return bitmap;
}

/** The bitmap of a group that has none on the disk, as the kernel would make it. */
function impliedBitmap(superblock: Superblock, group: Group, number: number): Buffer {
  const { blockSize, firstBlock, blocksPerGroup, groupCount, inodesPerGroup, inodeSize } = superblock;
  const start = firstBlock + number * blocksPerGroup;
  const bitmap = Buffer.alloc(blockSize);
  const mark = (block: number, count: number): void => {
    for (let index = block - start; index < block - start + count; index++) {
      if (index >= 0 && index < blocksPerGroup) bitmap[index >>> 3]! |= 1 << (index & 7);
    }
  };
  if (hasSuperblock(superblock, number)) {
    const descriptorBlocks = Math.ceil((groupCount * descriptorSize) / blockSize);
    mark(start, 1 + descriptorBlocks + superblock.reservedDescriptorBlocks);
  }
  mark(group.blockBitmap, 1);
  mark(group.inodeBitmap, 1);
  mark(group.inodeTable, Math.ceil((inodesPerGroup * inodeSize) / blockSize));
  return bitmap;
}

/** Copies of the superblock are in all groups, or in groups 0, 1 and powers of 3, 5 and 7. */
function hasSuperblock({ features }: Superblock, number: number): boolean {
  const isPower = (base: number): boolean => {
    let power = base;
    while (power < number) power *= base;
    return power === number;
  };
  return !features.includes("sparse_super") || number <= 1 || [3, 5, 7].some(isPower);
}
