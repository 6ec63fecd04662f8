/** Unpacks image files to disks. */
import { closeSync, ftruncateSync, openSync } from "node:fs";
import path from "node:path";
import { qemuImg } from "../qemu-img.ts";
import { unpackBzip2 } from "./bzip2.ts";
import { isBlank } from "./disk-content.ts";
import { readGoogleArchive } from "./google-archive.ts";
import { splitFileName } from "./image-file.ts";
import { writeAt } from "./write-at.ts";

/** A disk that QEMU can open. */
export interface ReadableDisk {
  file: string;
  /** QEMU's name for the file's format. */
  driver: "qcow2" | "vpc" | "raw";
}

/** The disk in an image file: the file itself, or its unpacked content in `folder`. */
export async function openImageFile(file: string, folder: string): Promise<ReadableDisk> {
  const { name, extension } = splitFileName(path.basename(file));
  if (extension === "qcow2") return { file, driver: "qcow2" };
  if (extension === "vhd") return { file, driver: "vpc" };
  if (extension === "raw") return { file, driver: "raw" };
  const disk = path.join(folder, `${name}.raw`);
  await writeSparse(unpack(file), disk);
  return { file: disk, driver: "raw" };
}

/** The raw disk in an image file: the file itself, or a sparse copy in `folder`. */
export async function rawDisk(file: string, folder: string): Promise<string> {
  const { file: disk, driver } = await openImageFile(file, folder);
  if (driver === "raw") return disk;
  const raw = path.join(folder, "disk.raw");
  await qemuImg("convert", "-f", driver, "-O", "raw", disk, raw);
  return raw;
}

/** The disk that is packed in a file, in chunks. */
export function unpack(file: string): AsyncIterable<Buffer> {
  return file.endsWith(".bz2") ? unpackBzip2(file) : readGoogleArchive(file);
}

/** Skips zeroes, so that a disk takes no more space than its content. */
async function writeSparse(chunks: AsyncIterable<Buffer>, target: string): Promise<void> {
  const descriptor = openSync(target, "w");
  try {
    let position = 0;
    for await (const chunk of chunks) {
      if (!isBlank(chunk)) writeAt(descriptor, position, chunk);
      position += chunk.length;
    }
    ftruncateSync(descriptor, position);
  } finally {
    closeSync(descriptor);
  }
}
