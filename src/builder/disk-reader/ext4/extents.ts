/** Extent trees of ext4: which blocks of a file are where. */
import { FormatError } from "../../formats/format-error.ts";
import { crc32c } from "../crc32c.ts";
import type { Volume } from "../volume.ts";
import type { Inode } from "./inode.ts";
import type { Superblock } from "./superblock.ts";

/** Bytes of a node's header, and of each of its entries. */
const recordSize = 12;
/** Deeper than any file that fits. */
const mostLevels = 5;
/** Longer extents are allocated, but unwritten: they read as zeroes. */
const mostWritten = 32768;

/** Blocks of a file that follow each other on the disk, too. */
export interface Extent {
  /** The first one's number in the file. */
  logical: number;
  /** The first one's number in the filesystem. */
  physical: number;
  /** How many blocks. */
  length: number;
  written: boolean;
}

/**
 * The extents of a file in the file's order, which do not overlap.
 * @throws FormatError if the tree is damaged
 */
export function* extentsOf(volume: Volume, superblock: Superblock, inode: Inode): Generator<Extent> {
  if (inode.hasExtents) {
    yield* nodeExtents(volume, superblock, inode, { bytes: inode.block, from: 0, to: 2 ** 32 });
  } else if (inode.hasBlocks || inode.size > 0) {
    throw new FormatError(`inode ${inode.number} has no extents, which this reader does not know`);
  }
}

interface Node {
  bytes: Buffer;
  /** Levels below. Undefined at the top, which says it itself. */
  depth?: number;
  /** The blocks of the file that it is about: from the first one up to, but not including, the second. */
  from: number;
  to: number;
}

function* nodeExtents(volume: Volume, superblock: Superblock, inode: Inode, node: Node): Generator<Extent> {
  const { bytes, from, to } = node;
  const fault = (what: string): FormatError =>
    new FormatError(`inode ${inode.number} has a damaged extent tree: ${what}`);
  const [magic, count, most, depth] = [0, 2, 4, 6].map((at) => bytes.readUInt16LE(at)) as [
    ...[number, number],
    ...[number, number],
  ];
  if (magic !== 0xf30a) throw fault("a node has no signature");
  if (depth > mostLevels || (node.depth ?? depth) !== depth) throw fault(`a node has the depth ${depth}`);
  if (count > most || most > Math.floor(bytes.length / recordSize) - 1)
    throw fault(`a node has ${count} of ${most} entries`);
  if (count === 0 && node.depth !== undefined) throw fault("a node is empty");
  const logicalOf = (index: number): number =>
    index < count ? bytes.readUInt32LE((index + 1) * recordSize) : to;

  for (let index = 0; index < count; index++) {
    const entry = bytes.subarray((index + 1) * recordSize, (index + 2) * recordSize);
    const [logical, next] = [logicalOf(index), logicalOf(index + 1)];
    if (logical < from || logical >= next || next > to) throw fault(`block ${logical} is out of order`);
    if (depth > 0) {
      const block = entry.readUInt32LE(4);
      checkBlocks(block + entry.readUInt16LE(8) * 2 ** 32, 1);
      const child = readNode(block);
      yield* nodeExtents(volume, superblock, inode, {
        bytes: child,
        depth: depth - 1,
        from: logical,
        to: next,
      });
    } else {
      const given = entry.readUInt16LE(4);
      const written = given <= mostWritten;
      const length = written ? given : given - mostWritten;
      const physical = entry.readUInt32LE(8) + entry.readUInt16LE(6) * 2 ** 32;
      if (length === 0 || logical + length > next)
        throw fault(`block ${logical} is the start of ${length} blocks`);
      checkBlocks(physical, length);
      yield { logical, physical, length, written };
    }
  }

  function checkBlocks(first: number, length: number): void {
    if (first <= superblock.firstBlock || first + length > superblock.blockCount)
      throw fault(`it refers to block ${first} of ${superblock.blockCount}`);
  }

  function readNode(block: number): Buffer {
    const { blockSize } = superblock;
    const child = volume.read(block * blockSize, blockSize);
    const end = (child.readUInt16LE(4) + 1) * recordSize;
    if (inode.checksumSeed !== undefined) {
      const isRight =
        end + 4 <= blockSize &&
        crc32c(inode.checksumSeed, child.subarray(0, end)) === child.readUInt32LE(end);
      if (!isRight) throw fault(`block ${block} has a wrong checksum`);
    }
    return child;
  }
}
