/** Reads a FAT12 or FAT16 filesystem by offset. Nothing in it is trusted. */
import { FormatError } from "../formats/format-error.ts";
import { textOf } from "./text.ts";
import type { Volume } from "./volume.ts";

const sector = 512;
const entrySize = 32;
const attribute = { volume: 0x08, folder: 0x10, longName: 0x0f };
/** Characters of a long name in one entry, and how long it can be. */
const longNamePart = 13;
const longestName = 255;
/** Far more than an EFI system partition has. */
const mostFolders = 100;
const mostEntries = 1000;
/** Bytes of a file, or of a folder's list. */
const largestFile = 2 ** 26;

export interface FatFile {
  /** With a slash at its start: `/EFI/boot/bootx64.efi`. */
  path: string;
  content: Buffer;
}

interface Entry {
  name: string;
  isFolder: boolean;
  cluster: number;
  size: number;
}

export class Fat {
  /** In the boot sector. */
  readonly label: string;
  /** Eight hexadecimal digits, in lower case. */
  readonly volumeId: string;
  readonly #volume: Volume;
  /** Bytes. */
  readonly #clusterSize: number;
  readonly #clusterCount: number;
  /** Where the data starts, in bytes. */
  readonly #dataStart: number;
  readonly #root: Buffer;
  /** The next cluster of each, from the first copy of the table. */
  readonly #next: readonly number[];

  /** @throws FormatError if there is no FAT12 or FAT16 */
  constructor(volume: Volume) {
    this.#volume = volume;
    const boot = volume.read(0, sector);
    const clusterSectors = boot[13]!;
    const [reserved, copies, rootEntries] = [boot.readUInt16LE(14), boot[16]!, boot.readUInt16LE(17)];
    const sectors = boot.readUInt16LE(19) || boot.readUInt32LE(32);
    const tableSectors = boot.readUInt16LE(22);
    const isFat =
      boot.readUInt16LE(510) === 0xaa55 &&
      boot.readUInt16LE(11) === sector &&
      Math.log2(clusterSectors) % 1 === 0 &&
      [reserved, copies, rootEntries, tableSectors].every((number) => number > 0) &&
      boot[38] === 0x29;
    if (!isFat) throw new FormatError("it is no FAT12 or FAT16 filesystem");
    const rootStart = (reserved + copies * tableSectors) * sector;
    this.#clusterSize = clusterSectors * sector;
    this.#dataStart = rootStart + Math.ceil((rootEntries * entrySize) / sector) * sector;
    this.#clusterCount = Math.floor((sectors * sector - this.#dataStart) / this.#clusterSize);
    if (sectors * sector > volume.length || this.#clusterCount < 1 || this.#clusterCount >= 65525)
      throw new FormatError(`it has ${sectors} sectors and ${this.#clusterCount} clusters`);
    this.volumeId = boot.readUInt32LE(39).toString(16).padStart(8, "0");
    this.label = textOf(boot.subarray(43, 54)).trimEnd();
    this.#root = volume.read(rootStart, rootEntries * entrySize);

    const table = volume.read(reserved * sector, tableSectors * sector);
    this.#next = readTable(table, this.#clusterCount);
    for (let copy = 1; copy < copies; copy++) {
      const other = volume.read((reserved + copy * tableSectors) * sector, table.length);
      if (!other.equals(table)) throw new FormatError("its allocation tables are different");
    }
  }

  /** The label in the root directory, where mounting programs look for it. Undefined if there is none. */
  rootLabel(): string | undefined {
    for (const entry of liveEntries(this.#root)) {
      if (entry[11] === attribute.volume) return textOf(entry.subarray(0, 11)).trimEnd();
    }
    return undefined;
  }

  /** All files in all folders. */
  *files(): Generator<FatFile> {
    const seen = new Set<number>();
    const folders = [{ path: "", content: this.#root }];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const { name, isFolder, cluster, size } of readEntries(folder.content, folder.path)) {
        const path = `${folder.path}/${name}`;
        if (!isFolder) {
          yield { path, content: this.#content(path, cluster, size) };
          continue;
        }
        if (seen.has(cluster)) throw new FormatError(`its folder ${path} is in two places`);
        seen.add(cluster);
        if (seen.size > mostFolders) throw new FormatError(`it has more than ${mostFolders} folders`);
        folders.push({ path, content: this.#content(path, cluster) });
      }
    }
  }

  /** @param size bytes; undefined for a folder, which has all that is in its clusters */
  #content(path: string, first: number, size?: number): Buffer {
    if (size === 0 && first === 0) return Buffer.alloc(0);
    const clusters: Buffer[] = [];
    const isEnd = (cluster: number): boolean => cluster >= (this.#clusterCount < 4085 ? 0xff8 : 0xfff8);
    for (let cluster = first; !isEnd(cluster); cluster = this.#next[cluster]!) {
      if (cluster < 2 || cluster >= this.#clusterCount + 2)
        throw new FormatError(`its file ${path} refers to cluster ${cluster} of ${this.#clusterCount}`);
      if (clusters.length * this.#clusterSize > Math.min(largestFile, this.#volume.length))
        throw new FormatError(`its file ${path} has no end, or is larger than ${largestFile} bytes`);
      clusters.push(
        this.#volume.read(this.#dataStart + (cluster - 2) * this.#clusterSize, this.#clusterSize),
      );
    }
    if (size !== undefined && Math.ceil(size / this.#clusterSize) !== clusters.length)
      throw new FormatError(`its file ${path} has ${size} bytes in ${clusters.length} clusters`);
    return Buffer.concat(clusters).subarray(0, size);
  }
}

function readTable(table: Buffer, clusterCount: number): number[] {
  const isFat12 = clusterCount < 4085;
  const needed = Math.ceil((clusterCount + 2) * (isFat12 ? 1.5 : 2));
  if (table.length < needed) throw new FormatError("its allocation table is too short");
  return Array.from({ length: clusterCount + 2 }, (_, cluster) => {
    if (!isFat12) return table.readUInt16LE(cluster * 2);
    const pair = table.readUInt16LE(Math.floor(cluster * 1.5));
    return cluster % 2 === 0 ? pair & 0xfff : pair >>> 4;
  });
}

/** The entries of a folder that are in use, up to its end. */
function* liveEntries(folder: Buffer): Generator<Buffer> {
  for (let at = 0; at + entrySize <= folder.length; at += entrySize) {
    const entry = folder.subarray(at, at + entrySize);
    if (entry[0] === 0) return;
    if (entry[0] !== 0xe5) yield entry;
  }
}

/** The files and folders in a folder. */
function readEntries(folder: Buffer, path: string): Entry[] {
  const entries: Entry[] = [];
  const names = new Set<string>();
  let long: Buffer[] = [];
  for (const entry of liveEntries(folder)) {
    if (entry[11] === attribute.longName) {
      long.push(entry);
      continue;
    }
    const parts = long;
    long = [];
    if ((entry[11]! & attribute.volume) !== 0) continue;
    const short = entry.subarray(0, 11);
    const name = longName(parts, short, path) ?? shortName(entry);
    if (name === "." || name === "..") continue;
    if (name === "" || /[/\0]/.test(name) || names.has(name.toLowerCase()))
      throw new FormatError(`its folder ${path}/ has an invalid name, or one twice: ${name}`);
    names.add(name.toLowerCase());
    entries.push({
      name,
      isFolder: (entry[11]! & attribute.folder) !== 0,
      cluster: entry.readUInt16LE(26),
      size: entry.readUInt32LE(28),
    });
    if (entries.length > mostEntries) throw new FormatError(`its folder ${path}/ has too many files`);
  }
  return entries;
}

/** The name in the entries before a short name, the last part first. */
function longName(parts: readonly Buffer[], short: Buffer, path: string): string | undefined {
  if (parts.length === 0) return undefined;
  const sum = short.reduce((value, byte) => (((value & 1) << 7) + (value >>> 1) + byte) & 0xff, 0);
  const inOrder = parts.every(
    (part, index) =>
      part[13] === sum && part[0] === parts.length - index + (index === 0 ? 0x40 : 0) && part[12] === 0,
  );
  if (!inOrder || parts.length * longNamePart > longestName + longNamePart)
    throw new FormatError(`its folder ${path}/ has a damaged long name`);
  const text = parts
    .toReversed()
    .map((part) => [part.subarray(1, 11), part.subarray(14, 26), part.subarray(28, 32)])
    .flat();
  return Buffer.concat(text)
    .toString("utf16le")
    .replace(/\0[\0\uffff]*$/, "");
}

/** A name of 8 and 3 characters. Two bits say whether its parts are in lower case. */
function shortName(entry: Buffer): string {
  const lower = entry[12]!;
  const part = (from: number, to: number, bit: number): string => {
    const text = textOf(entry.subarray(from, to)).trimEnd();
    return (lower & bit) === 0 ? text : text.toLowerCase();
  };
  const [name, extension] = [part(0, 8, 0x08), part(8, 11, 0x10)];
  return extension === "" ? name : `${name}.${extension}`;
}
