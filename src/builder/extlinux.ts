/**
 * Makes a raw disk bootable with SYSLINUX, as `extlinux --install` does on a mounted filesystem: ldlinux.sys loads by
 * sector numbers, so its own start and the partition's boot sector must contain those numbers. Works by offset, without
 * mounting. The offsets and rules are those of SYSLINUX 6.04.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { printable } from "../lib/printable.ts";
import { UserError } from "../lib/user-error.ts";
import { readTar, verifyPackage } from "./apk-archive.ts";
import { Ext4 } from "./disk-reader/ext4/filesystem.ts";
import type { Inode } from "./disk-reader/ext4/inode.ts";
import { Volume } from "./disk-reader/volume.ts";
import { FormatError } from "./formats/format-error.ts";
import { fetchPackage, type MirrorSettings, type Repository } from "./mirror.ts";
import { readPartitionTable } from "./partition-table.ts";

const sectorBytes = 512;

/** Marks the area in ldlinux.sys that an installer fills in. */
const areaMagic = 0x3eb202fe;

/** The two copies of the auxiliary data vector at the end of ldlinux.sys, a sector each. */
const vectorSectors = 2;

/** SYSLINUX' own choice for a disk that tells no geometry. A BIOS tells its own, which SYSLINUX prefers. */
const geometry = { heads: 64, sectorsPerTrack: 32 };

/** What `extlinux --install` writes besides ldlinux.c32. */
export interface Loader {
  /** The first sector of the partition. */
  bootSector: Buffer;
  /** The content of ldlinux.sys. */
  ldlinux: Buffer;
}

/**
 * The loaders of the syslinux packages that a guest could install, as files of its job:
 * `files/extlinux/<sha256 of the extlinux program>/{ldlinux.sys,boot-sector}`. Only the program itself contains them.
 */
export async function loaderFiles(
  mirror: MirrorSettings,
  repositories: readonly Repository[],
): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const repository of repositories) {
    for (const entry of repository.entries.filter(({ name }) => name === "syslinux")) {
      const data = await verifyPackage(await fetchPackage(mirror, repository, entry), entry.checksum);
      const program = (await readTar(data)).find(
        ({ header }) => header.type === "file" && /(^|\/)extlinux$/.test(header.name),
      );
      const loader = program && loaderIn(program.content);
      if (loader === undefined) throw new Error(`syslinux ${entry.version} has no loader of a known form`);
      const folder = `files/extlinux/${createHash("sha256").update(program!.content).digest("hex")}`;
      files[`${folder}/ldlinux.sys`] = loader.ldlinux;
      files[`${folder}/boot-sector`] = loader.bootSector;
    }
  }
  return files;
}

/**
 * The loader in an extlinux program. Its ldlinux.sys gets the two empty vectors that every installed one has.
 * @returns undefined if there is none, or more than one
 */
export function loaderIn(program: Buffer): Loader | undefined {
  const images = indexesOf(program, uint32(areaMagic)).flatMap((at) => {
    const banner = program.lastIndexOf("\r\nSYSLINUX ", at, "latin1");
    return banner >= 0 && at - banner < 64 && (at - banner) % 8 === 0 ? imagesAt(program, banner) : [];
  });
  const bootSectors = indexesOf(program, Buffer.from("\xeb\x58\x90SYSLINUX", "latin1"))
    .map((at) => program.subarray(at, at + sectorBytes))
    .filter((sector) => sector.subarray(510).toString("hex") === "55aa");
  if (images.length !== 1 || bootSectors.length !== 1) return undefined;
  return { bootSector: bootSectors[0]!, ldlinux: Buffer.concat([images[0]!, emptyVector(), emptyVector()]) };
}

/**
 * The parts of a program that can be an ldlinux.sys which starts there. It is padded to whole sectors, its compressed part
 * ends with LZO's end marker (0x11 0 0), and the program has its length in a variable.
 */
function imagesAt(program: Buffer, start: number): Buffer[] {
  const images: Buffer[] = [];
  for (let end = start + sectorBytes; end <= program.length; end += sectorBytes) {
    const last = program.subarray(end - sectorBytes, end);
    const padding = sectorBytes - 1 - last.findLastIndex((byte) => byte !== 0);
    if (padding < 2 || last[sectorBytes - 1 - padding] !== 0x11) continue;
    const lengths = indexesOf(program, uint32(end - start)).filter((at) => at % 4 === 0);
    if (lengths.some((at) => at < start || at >= end)) images.push(program.subarray(start, end));
  }
  return images;
}

/** An auxiliary data vector without data: head, checksum, 500 bytes, tail. */
function emptyVector(): Buffer {
  return Buffer.concat([uint32(0x5a2d2fa5), uint32(0xa3041767), Buffer.alloc(500), uint32(0xdd28bf64)]);
}

/**
 * Makes a disk bootable whose first partition has the files of `loaderFiles` in place: the boot sector, and
 * /boot/ldlinux.sys.
 * @param name the image's, for messages
 * @throws UserError if the disk is damaged
 */
export function installExtlinux(disk: string, name: string): void {
  const descriptor = openSync(disk, "r+");
  try {
    const [partition] = readPartitionTable(disk).partitions;
    if (partition === undefined) throw new FormatError("it has no partitions");
    const { start, length } = partition;
    const volume = new Volume(descriptor, start, length);
    const sectors = sectorsOf(new Ext4(volume), "boot/ldlinux.sys");
    const read = (sector: number): Buffer => volume.read(sector * sectorBytes, sectorBytes);
    const write = (sector: number, content: Buffer): void =>
      void writeSync(descriptor, content, 0, sectorBytes, start + sector * sectorBytes);

    const bootSector = read(0);
    const ldlinux = Buffer.concat(sectors.map(read));
    patchLoader({ bootSector, ldlinux }, sectors, {
      start: start / sectorBytes,
      sectors: length / sectorBytes,
    });
    write(0, bootSector);
    sectors.forEach((sector, index) => write(sector, ldlinux.subarray(index * sectorBytes)));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UserError(
      "disk-check-failed",
      `the finished disk of ${name} cannot be made bootable: ${printable(error.message)}`,
      "check the scripts and packages that the image's layers name: an image's files alone do not damage its disk",
      { where: name },
    );
  } finally {
    closeSync(descriptor);
  }
}

/** The sectors of a file in its filesystem, in the file's order. It must end with a sector, and have no holes. */
function sectorsOf(filesystem: Ext4, path: string): number[] {
  const inode = inodeOf(filesystem, path);
  const perBlock = filesystem.superblock.blockSize / sectorBytes;
  const sectors: number[] = [];
  for (const { logical, physical, length, written } of filesystem.extents(inode)) {
    if (logical * perBlock !== sectors.length || !written) throw new FormatError(`/${path} has a hole`);
    for (let index = 0; index < length * perBlock; index++) sectors.push(physical * perBlock + index);
  }
  const count = inode.size / sectorBytes;
  if (!Number.isInteger(count) || count > sectors.length)
    throw new FormatError(`/${path} has ${inode.size} bytes in ${sectors.length} sectors`);
  return sectors.slice(0, count);
}

function inodeOf(filesystem: Ext4, path: string): Inode {
  for (const found of filesystem.walk()) if (found.path === path) return found.inode;
  throw new FormatError(`there is no /${path}`);
}

/**
 * Writes into a loader where its sectors are.
 * @param sectors sectors of ldlinux.sys in its partition, in the file's order; further ones are ignored
 * @param partition first sector and number of sectors of its partition
 * @param folder the folder of ldlinux.sys in its filesystem
 * @throws FormatError if ldlinux.sys has no room for that
 */
export function patchLoader(
  { bootSector, ldlinux }: Loader,
  sectors: readonly number[],
  partition: { start: number; sectors: number },
  folder = "/boot",
): void {
  const image = ldlinux.subarray(0, ldlinux.length - vectorSectors * sectorBytes);
  const imageSectors = image.length / sectorBytes;
  const area = image.indexOf(uint32(areaMagic));
  if (area < 0 || area % 4 !== 0) throw new FormatError("ldlinux.sys has no patch area");
  const [first, ...others] = sectors.slice(0, imageSectors);
  const vectors = sectors.slice(imageSectors, imageSectors + vectorSectors);
  if (vectors.length < vectorSectors) throw new FormatError("ldlinux.sys has fewer sectors than content");
  const extents = extentsOf(others);

  // Where the area's second part is, and in it the places of what is longer, with their lengths.
  const further = image.readUInt16LE(area + 22);
  const [vectorTable, folderName, folderRoom, , , extentTable, extentRoom, firstLow, firstHigh] = Array.from(
    { length: 9 },
    (_, index) => image.readUInt16LE(further + 2 * index),
  ) as [number, number, number, number, number, number, number, number, number];
  if (extents.length > extentRoom)
    throw new FormatError(`ldlinux.sys is in ${extents.length} pieces: too many`);
  if (folder.length >= folderRoom) throw new FormatError(`${folder} is too long for ldlinux.sys`);

  // The boot sector has the form of a FAT filesystem's.
  bootSector.writeUInt16LE(sectorBytes, 0x0b);
  bootSector.writeUInt16LE(partition.sectors < 0x10000 ? partition.sectors : 0, 0x13);
  bootSector.writeUInt16LE(geometry.sectorsPerTrack, 0x18);
  bootSector.writeUInt16LE(geometry.heads, 0x1a);
  bootSector.writeUInt32LE(partition.start, 0x1c);
  bootSector.writeUInt32LE(partition.sectors, 0x20);
  bootSector.writeUInt32LE(first!, firstLow);
  bootSector.writeUInt32LE(0, firstHigh);

  image.writeUInt16LE(imageSectors, area + 8);
  image.writeUInt16LE(vectorSectors, area + 10);
  image.writeUInt32LE(image.length / 4, area + 12);
  extents.forEach(({ sector, count }, index) => {
    image.writeBigUInt64LE(BigInt(sector), extentTable + index * 10);
    image.writeUInt16LE(count, extentTable + index * 10 + 8);
  });
  vectors.forEach((sector, index) => image.writeBigUInt64LE(BigInt(sector), vectorTable + index * 8));
  image.write(`${folder}\0`, folderName, "latin1");

  // The sum of all words, this one included, is the magic number.
  image.writeUInt32LE(0, area + 16);
  let checksum = areaMagic;
  for (let at = 0; at < image.length; at += 4) checksum -= image.readUInt32LE(at);
  image.writeUInt32LE(checksum >>> 0, area + 16);
}

/** Joins sectors into the pieces that the boot sector's code reads at once: less than 64 KiB each. */
function extentsOf(sectors: readonly number[]): { sector: number; count: number }[] {
  const extents: { sector: number; count: number }[] = [];
  for (const sector of sectors) {
    const last = extents.at(-1);
    const joins = last !== undefined && sector === last.sector + last.count;
    if (joins && (last.count + 1) * sectorBytes < 0x10000) last.count++;
    else extents.push({ sector, count: 1 });
  }
  return extents;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function indexesOf(bytes: Buffer, part: Buffer): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) found.push(at);
  return found;
}
