/** Makes ext4 filesystems with e2fsprogs, and asks e2fsprogs what is in them. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Ext4 } from "../../src/builder/disk-reader/ext4/filesystem.ts";
import { Volume } from "../../src/builder/disk-reader/volume.ts";
import { runProgram } from "./processes.ts";
import { temporaryFolder } from "./temporary.ts";

/** The features of an image's root filesystem, but for the journal, which takes 4 MiB. */
export const imageFeatures = "^64bit,^metadata_csum_seed,^orphan_file,^has_journal";
/** The same without checksums, so that a test can change single bytes. */
export const withoutChecksums = `${imageFeatures},^metadata_csum`;

const env = {
  ...process.env,
  PATH: `${process.env["PATH"]}:/usr/sbin:/sbin:/opt/homebrew/opt/e2fsprogs/sbin`,
  // Neither a pager, nor the files of this machine.
  DEBUGFS_PAGER: "__none__",
};

/** Runs one of e2fsprogs' programs, which must succeed. Returns its standard output. */
export async function e2fsprogs(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, { env });
  assert.equal(code, 0, `${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/**
 * Makes a filesystem.
 * @param options.tree the folder that it gets; empty by default
 * @param options.features for mke2fs
 * @param options.more further options of mke2fs
 * @returns the image's file
 */
export async function ext4Image({
  tree = temporaryFolder(),
  mib = 4,
  blockSize = 4096,
  features = imageFeatures,
  more = [] as string[],
} = {}): Promise<string> {
  const file = join(temporaryFolder(), "root.img");
  const options = ["-q", "-F", "-t", "ext4", "-b", String(blockSize), "-O", features, "-d", tree, ...more];
  await e2fsprogs("mke2fs", ...options, file, `${mib}M`);
  return file;
}

/** Runs debugfs' requests on an image. Returns what they print, without the requests. */
export async function debugfs(image: string, requests: readonly string[], write = false): Promise<string> {
  const script = join(temporaryFolder(), "requests");
  writeFileSync(script, `${requests.join("\n")}\n`);
  const output = await e2fsprogs("debugfs", ...(write ? ["-w"] : []), "-f", script, image);
  return output.replace(/^debugfs: .*\n/gm, "");
}

/** Opens an image with the reader under test. It stays open until the tests end. */
export function openExt4(image: string): Ext4 {
  return new Ext4(openVolume(image));
}

/** A whole file as a volume. */
export function openVolume(file: string): Volume {
  return new Volume(openSync(file, "r"), 0, statSync(file).size);
}

/** Writes bytes, or numbers of 32 bits in little-endian order, at places of a file. */
export function patch(file: string, at: number, ...values: (number | Buffer)[]): void {
  const bytes = values.map((value) => {
    if (typeof value !== "number") return value;
    const number = Buffer.alloc(4);
    number.writeUInt32LE(value >>> 0);
    return number;
  });
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.concat(bytes), 0, undefined, at);
  closeSync(descriptor);
}

/** Where an inode is in an image, in bytes. @param path as debugfs takes it: `/etc/motd` or `<2>` */
export async function inodeAt(image: string, path: string, blockSize = 4096): Promise<number> {
  const [, block, offset] = /located at block (\d+), offset (0x[0-9a-f]+)/.exec(
    await debugfs(image, [`imap ${path}`]),
  )!;
  return Number(block) * blockSize + Number(offset);
}

/** The first block of a file in an image. */
export async function firstBlock(image: string, path: string): Promise<number> {
  return Number((await debugfs(image, [`bmap ${path} 0`])).trim());
}

/** The bytes of an image. */
export const bytesOf = (image: string): Buffer => readFileSync(image);
