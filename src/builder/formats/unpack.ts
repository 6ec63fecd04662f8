/** From an image's file back to its disk. */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import path from "node:path";
import { qemuImg } from "../qemu-img.ts";
import { unpackBzip2 } from "./bzip2.ts";
import { readGoogleArchive } from "./google-archive.ts";
import { splitFileName } from "./image-file.ts";

/** A disk that QEMU can open. */
export interface ReadableDisk {
  file: string;
  /** QEMU's name of the file's format. */
  driver: "qcow2" | "vpc" | "raw";
}

/** The disk of an image's file: the file itself, or what is packed in it, unpacked into that folder. */
export async function openImageFile(file: string, folder: string): Promise<ReadableDisk> {
  const { name, extension } = splitFileName(path.basename(file));
  if (extension === "qcow2") return { file, driver: "qcow2" };
  if (extension === "vhd") return { file, driver: "vpc" };
  if (extension === "raw") return { file, driver: "raw" };
  const disk = path.join(folder, `${name}.raw`);
  await writeSparse(unpack(file), disk);
  return { file: disk, driver: "raw" };
}

/** The raw disk of an image's file: the file itself, or a sparse copy in that folder. */
export async function rawDisk(file: string, folder: string): Promise<string> {
  const { file: disk, driver } = await openImageFile(file, folder);
  if (driver === "raw") return disk;
  const raw = path.join(folder, "disk.raw");
  await qemuImg("convert", "-f", driver, "-O", "raw", disk, raw);
  return raw;
}

/** The disk that is packed in a file, piece by piece. */
export function unpack(file: string): AsyncIterable<Buffer> {
  return file.endsWith(".bz2") ? unpackBzip2(file) : readGoogleArchive(file);
}

/** Leaves out zeroes: a disk of a GiB takes no more room than what is in it. */
async function writeSparse(chunks: AsyncIterable<Buffer>, target: string): Promise<void> {
  const descriptor = openSync(target, "w");
  try {
    let position = 0;
    for await (const chunk of chunks) {
      if (!isBlank(chunk)) writeSync(descriptor, chunk, 0, chunk.length, position);
      position += chunk.length;
    }
    ftruncateSync(descriptor, position);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether each byte is zero: the first is, and all are as the one before. */
export function isBlank(chunk: Buffer): boolean {
  return chunk[0] === 0 && chunk.subarray(1).equals(chunk.subarray(0, -1));
}
