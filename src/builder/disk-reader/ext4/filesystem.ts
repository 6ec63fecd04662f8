/** Reads an ext4 filesystem by offset, without mounting it. Nothing in it is trusted. */
import { FormatError } from "../../formats/format-error.ts";
import { textOf } from "../text.ts";
import type { Volume } from "../volume.ts";
import { entriesIn, type DirectoryEntry } from "./directory.ts";
import { type Extent, extentsOf } from "./extents.ts";
import { freeRuns, type Group, readGroups } from "./groups.ts";
import { type Inode, parseInode } from "./inode.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";

const rootInode = 2;
/** Blocks to read at a time. */
const blocksAtOnce = 256;
/** Longer targets fit neither a block nor Linux. */
const longestLink = 4095;
/** Bytes in an inode that the target of a short link can take, with a zero after it. */
const longestShortLink = 59;
/** Programs cannot open longer paths. */
const longestPath = 4095;
/** Far more than an image has. A directory may name the same file over and over. */
const mostPaths = 250_000;

/** A file, directory or link, and where it is. */
export interface Found {
  /** Without a slash at its start; `.` for the root. */
  path: string;
  inode: Inode;
}

export class Ext4 {
  readonly superblock: Superblock;
  readonly #volume: Volume;
  readonly #groups: readonly Group[];

  /** @throws FormatError if there is no ext4, or one of a kind that this reader does not know */
  constructor(volume: Volume) {
    this.#volume = volume;
    this.superblock = readSuperblock(volume);
    this.#groups = readGroups(volume, this.superblock);
  }

  inode(number: number): Inode {
    const { inodeCount, inodesPerGroup, inodeSize, blockSize, checksumSeed } = this.superblock;
    if (number < 1 || number > inodeCount)
      throw new FormatError(`inode ${number} of ${inodeCount} does not exist`);
    const group = this.#groups[Math.floor((number - 1) / inodesPerGroup)]!;
    const offset = group.inodeTable * blockSize + ((number - 1) % inodesPerGroup) * inodeSize;
    return parseInode(number, this.#volume.read(offset, inodeSize), blockSize, checksumSeed);
  }

  /** Where a file's blocks are, in the file's order. */
  extents(inode: Inode): Generator<Extent> {
    return extentsOf(this.#volume, this.superblock, inode);
  }

  /** First and last block of each run of free blocks. */
  freeRuns(): Generator<[first: number, last: number]> {
    return freeRuns(this.#volume, this.superblock, this.#groups);
  }

  /** The block of its journal at which its replay would start; 0 if there is nothing to replay, undefined without a journal. */
  journalStart(): number | undefined {
    const { journalInode } = this.superblock;
    if (journalInode === 0) return undefined;
    const [first] = this.extents(this.inode(journalInode));
    if (first?.logical !== 0 || !first.written) throw new FormatError("its journal has no first block");
    const header = this.#read(first.physical, 1);
    if (header.readUInt32BE(0) !== 0xc03b3998) throw new FormatError("its journal has no signature");
    return header.readUInt32BE(0x1c);
  }

  /**
   * A file's content. Holes are zeroes.
   * @param limit bytes
   * @throws FormatError if it is no file, or longer than that
   */
  readFile(inode: Inode, limit: number): Buffer {
    if (inode.kind !== "file") throw new FormatError(`inode ${inode.number} is no file`);
    if (inode.size > limit)
      throw new FormatError(
        `inode ${inode.number} has ${inode.size} bytes, more than the ${limit} that it may have`,
      );
    return this.#content(inode);
  }

  /** Where a symbolic link leads, as text. */
  readLink(inode: Inode): string {
    const fault = (what: string): FormatError => new FormatError(`the link of inode ${inode.number} ${what}`);
    if (inode.kind !== "link") throw fault("is no link");
    if (inode.size < 1 || inode.size > longestLink) throw fault(`has a target of ${inode.size} bytes`);
    const isShort = inode.size <= longestShortLink;
    // Which of the two it is, the kernel concludes from its blocks.
    if (inode.hasBlocks === isShort) throw fault(`has its target of ${inode.size} bytes in the wrong place`);
    const target = isShort ? inode.block.subarray(0, inode.size) : this.#content(inode);
    if (target.includes(0)) throw fault("has a target with a zero in it");
    return textOf(target);
  }

  /** Everything that can be reached from the root, the root first. */
  *walk(): Generator<Found> {
    const root = { path: ".", inode: this.inode(rootInode), parent: rootInode };
    if (root.inode.kind !== "folder") throw new FormatError("its root is no directory");
    yield root;
    const seen = new Set([rootInode]);
    let count = 1;
    const folders = [root];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const { name, inode: number, type } of this.#directory(folder.inode, folder.parent)) {
        const path = folder === root ? name : `${folder.path}/${name}`;
        if (path.length > longestPath)
          throw new FormatError(`it has a path of more than ${longestPath} characters`);
        count += 1;
        if (count > mostPaths) throw new FormatError(`it has more than ${mostPaths} files`);
        const inode = this.inode(number);
        if (inode.directoryType !== type)
          throw new FormatError(
            `directory inode ${folder.inode.number} has a wrong type for inode ${number}`,
          );
        yield { path, inode };
        if (inode.kind !== "folder") continue;
        if (seen.has(number)) throw new FormatError(`directory inode ${number} is in two places`);
        seen.add(number);
        folders.push({ path, inode, parent: folder.inode.number });
      }
    }
  }

  /** The entries of a directory, without `.` and `..`, which are checked. */
  *#directory(inode: Inode, parent: number): Generator<DirectoryEntry> {
    const { blockSize } = this.superblock;
    const names = new Set<string>();
    let position = 0;
    for (const block of this.#directoryBlocks(inode)) {
      for (const entry of entriesIn(block.subarray(0, blockSize), inode.number)) {
        const { name } = entry;
        const dots = [".", ".."].indexOf(name);
        const isExpected = position < 2 ? dots === position : dots < 0;
        if (!isExpected || (dots >= 0 && entry.inode !== [inode.number, parent][dots]))
          throw new FormatError(`directory inode ${inode.number} does not start with itself and its parent`);
        if (names.has(name))
          throw new FormatError(`directory inode ${inode.number} has a name twice: ${name}`);
        names.add(name);
        position += 1;
        if (dots < 0) yield entry;
      }
    }
    if (position < 2) throw new FormatError(`directory inode ${inode.number} is empty`);
  }

  *#directoryBlocks(inode: Inode): Generator<Buffer> {
    const { blockSize } = this.superblock;
    let next = 0;
    for (const { logical, physical, length, written } of this.extents(inode)) {
      if (logical !== next || !written) throw new FormatError(`directory inode ${inode.number} has a hole`);
      next += length;
      for (let block = 0; block < length; block++) yield this.#read(physical + block, 1);
    }
    if (next * blockSize !== inode.size)
      throw new FormatError(`directory inode ${inode.number} has ${next} blocks and ${inode.size} bytes`);
  }

  #content(inode: Inode): Buffer {
    const { blockSize } = this.superblock;
    this.#volume.spend(inode.size);
    const content = Buffer.alloc(inode.size);
    for (const { logical, physical, length, written } of this.extents(inode)) {
      if (!written) continue;
      // Blocks may be allocated beyond the end.
      const blocks = Math.min(length, Math.ceil(inode.size / blockSize) - logical);
      for (let block = 0; block < blocks; block += blocksAtOnce) {
        const bytes = this.#read(physical + block, Math.min(blocksAtOnce, blocks - block));
        bytes.copy(content, (logical + block) * blockSize);
      }
    }
    return content;
  }

  #read(block: number, count: number): Buffer {
    const { blockSize } = this.superblock;
    return this.#volume.read(block * blockSize, count * blockSize);
  }
}
