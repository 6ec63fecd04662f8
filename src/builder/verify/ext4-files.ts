/** Finds the file that a block of an ext4 filesystem belongs to, using debugfs. */
import path from "node:path";
import { execa, type ExecaError } from "execa";
import { closeSync, openSync } from "node:fs";
import { readAt } from "../formats/read-at.ts";

/** How many numbers to pass to debugfs in one request. */
const atOnce = 500;

/** Whether a partition holds ext2, ext3 or ext4. */
export function isExt4(disk: string, start: number): boolean {
  const descriptor = openSync(disk, "r");
  try {
    return readAt(descriptor, start + 1024 + 0x38, 2).readUInt16LE(0) === 0xef53;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Names what is stored at places in a filesystem: `/etc/motd`, `the inode of /etc/motd`, `metadata`.
 * @param places bytes from the filesystem's start
 * @returns names by place; undefined if debugfs is not installed
 */
export async function filesAt(
  disk: string,
  start: number,
  places: readonly number[],
): Promise<Map<number, string> | undefined> {
  try {
    const geometry = geometryOf(await debugfs(disk, start, ["stats"]));
    const inodeOfBlock = await ownersOf(
      disk,
      start,
      places.map((place) => Math.floor(place / geometry.blockSize)),
    );
    const found = places.map((place) => {
      const owner = inodeOfBlock.get(Math.floor(place / geometry.blockSize));
      const described = owner === undefined ? inodeAt(geometry, place) : undefined;
      return { place, owner, described };
    });
    const inodes = found.flatMap(({ owner, described }) => owner ?? described ?? []);
    const paths = await pathsOf(disk, start, inodes);
    const named = (inode: number): string => paths.get(inode) ?? `inode ${inode}`;
    return new Map(
      found.map(({ place, owner, described }) => [
        place,
        owner !== undefined
          ? named(owner)
          : described !== undefined
            ? `the inode of ${named(described)}`
            : "metadata",
      ]),
    );
  } catch (error) {
    if ((error as ExecaError).code === "ENOENT") return undefined;
    throw error;
  }
}

interface Geometry {
  blockSize: number;
  inodeSize: number;
  inodesPerGroup: number;
  /** The first block of each group's inodes. */
  inodeTables: number[];
}

/** Parses the output of debugfs' `stats`. */
function geometryOf(stats: string): Geometry {
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(stats)?.[1]);
  return {
    blockSize: number("Block size"),
    inodeSize: number("Inode size"),
    inodesPerGroup: number("Inodes per group"),
    inodeTables: [...stats.matchAll(/inode table at (\d+)/g)].map((match) => Number(match[1])),
  };
}

/** The inode stored at a place, if the place is in an inode table. */
function inodeAt(
  { blockSize, inodeSize, inodesPerGroup, inodeTables }: Geometry,
  place: number,
): number | undefined {
  for (const [group, table] of inodeTables.entries()) {
    const index = Math.floor((place - table * blockSize) / inodeSize);
    if (index >= 0 && index < inodesPerGroup) return group * inodesPerGroup + index + 1;
  }
  return undefined;
}

/** Block → inode. */
async function ownersOf(
  disk: string,
  start: number,
  blocks: readonly number[],
): Promise<Map<number, number>> {
  const rows = await numbered(disk, start, "icheck", blocks);
  return new Map(rows.flatMap(([block, inode]) => (/^\d+$/.test(inode) ? [[block, Number(inode)]] : [])));
}

/** Inode → path. */
async function pathsOf(disk: string, start: number, inodes: readonly number[]): Promise<Map<number, string>> {
  return new Map(await numbered(disk, start, "ncheck", inodes));
}

/** Runs a request that takes numbers. Returns rows of a number and a text. */
async function numbered(
  disk: string,
  start: number,
  request: "icheck" | "ncheck",
  numbers: readonly number[],
): Promise<[number, string][]> {
  const unique = [...new Set(numbers)];
  const requests: string[] = [];
  for (let i = 0; i < unique.length; i += atOnce)
    requests.push(`${request} ${unique.slice(i, i + atOnce).join(" ")}`);
  if (requests.length === 0) return [];
  const output = await debugfs(disk, start, requests);
  return [...output.matchAll(/^(\d+)\t(.*)$/gm)].map((match) => [Number(match[1]), match[2]!]);
}

/** Runs debugfs requests on a filesystem inside a disk. */
async function debugfs(disk: string, start: number, requests: readonly string[]): Promise<string> {
  const { stdout } = await execa("debugfs", ["-f", "-", `${path.basename(disk)}?offset=${start}`], {
    cwd: path.dirname(disk),
    input: `${requests.join("\n")}\n`,
    env: { DEBUGFS_PAGER: "__none__" },
  });
  return stdout;
}
