/** Converts a raw disk to the image file that is stored. */
import { closeSync, fstatSync, openSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { digestsOfFile } from "../../lib/digest.ts";
import { fullDiskError, UserError } from "../../lib/user-error.ts";
import { readPartitionTable } from "../partition-table.ts";
import { qemuImg, runQemuImg } from "../qemu-img.ts";
import { packBzip2 } from "./bzip2.ts";
import { FormatError } from "./format-error.ts";
import { writeGoogleArchive } from "./google-archive.ts";
import { type ImageExtension, imageExtension, type ImageFormat, imageFileName } from "./image-file.ts";
import { writeQcow2 } from "./qcow2.ts";
import { readAt } from "./read-at.ts";
import { type ReadableDisk, unpack } from "./unpack.ts";
import { identifyVhd, readVhd, type VhdIdentity, type VhdKind } from "./vhd.ts";

interface Conversion {
  disk: string;
  target: string;
  image: ImageFormat;
  identity: VhdIdentity;
}

/** How to write and check a kind of file. Both work in chunks, because a disk may not fit in memory. */
interface FileFormat {
  write(conversion: Conversion): Promise<void>;
  /** Throws a FormatError if the file, and above all the disk in it, is not as expected. */
  check(conversion: Conversion): Promise<void>;
}

const formats: Record<ImageExtension, FileFormat> = {
  qcow2: {
    write: ({ disk, target }) => writeQcow2(disk, target),
    async check({ disk, target }) {
      const { exitCode, stdout, stderr } = await runQemuImg("check", "-q", "-f", "qcow2", target);
      if (exitCode !== 0) throw new FormatError(`qemu-img check rejects it (${stderr || stdout})`);
      await compareByQemu(disk, target, "qcow2");
    },
  },
  vhd: {
    async write({ disk, target, image, identity }) {
      await convertByQemu(disk, target, "vpc", "-o", `subformat=${vhdKind(image)},force_size=on`);
      identifyVhd(target, identity);
    },
    async check({ disk, target, image, identity }) {
      const found = readVhd(target);
      const wanted: typeof found = { kind: vhdKind(image), virtualSize: statSync(disk).size, ...identity };
      for (const field of ["kind", "virtualSize", "uniqueId", "time"] as const) {
        if (found[field] !== wanted[field]) {
          throw new FormatError(`its ${field} is ${found[field]}, not ${wanted[field]}`);
        }
      }
      await compareByQemu(disk, target, "vpc");
    },
  },
  raw: {
    write: ({ disk, target }) => convertByQemu(disk, target, "raw"),
    check: ({ disk, target }) => compareByQemu(disk, target, "raw"),
  },
  "raw.bz2": {
    write: ({ disk, target }) => packBzip2(disk, target),
    check: ({ disk, target }) => compareContent(disk, unpack(target)),
  },
  "raw.tar.gz": {
    write: ({ disk, target, identity }) => writeGoogleArchive(disk, target, identity.time),
    async check({ disk, target }) {
      const { size } = statSync(disk);
      if (size % 2 ** 30 !== 0)
        throw new FormatError(`its disk size of ${size} bytes is not a whole number of GiB`);
      await compareContent(disk, unpack(target));
    },
  },
};

/** Dynamic by default, like in qemu-img. */
function vhdKind({ imageFormatOptions }: ImageFormat): VhdKind {
  return imageFormatOptions === "vhd/fixed_force-size" ? "fixed" : "dynamic";
}

/** An image file that has been verified. */
export interface ImageFile {
  file: string;
  sha512: string;
  sha256: string;
}

/**
 * Converts a raw disk to an image file, then reads the file back and verifies it.
 * @param folder gets the file, under the image's file name. If this fails, there is no file.
 * @param identity what a format records besides the disk; like all bytes, it must be derived from the image's inputs
 * @throws UserError if there is no room for the file, if it does not contain the same disk, or is not valid in its format
 */
export async function convertDisk(
  disk: string,
  folder: string,
  image: ImageFormat,
  identity: VhdIdentity,
): Promise<ImageFile> {
  const target = path.join(folder, imageFileName(image));
  const format = formats[imageExtension(image)];
  try {
    readPartitionTable(disk);
    await format.write({ disk, target, image, identity });
    const [digests] = await Promise.all([
      digestsOfFile(target, "sha512", "sha256"),
      format.check({ disk, target, image, identity }),
    ]);
    return { file: target, ...digests };
  } catch (error) {
    rmSync(target, { force: true });
    throw explained(error, target);
  }
}

function explained(error: unknown, target: string): unknown {
  if (!(error instanceof FormatError)) return fullDiskError(error, target) ?? error;
  return new UserError(
    "image-damaged",
    `${path.basename(target)} was converted incorrectly: ${error.message}`,
    "nothing was stored: build it again, and if that does not help, use another version of QEMU",
    { where: target, cause: error },
  );
}

async function convertByQemu(
  disk: string,
  target: string,
  driver: ReadableDisk["driver"],
  ...options: string[]
): Promise<void> {
  await qemuImg("convert", "-f", "raw", "-O", driver, ...options, disk, target);
}

const infoSchema = z.object({ format: z.string(), "virtual-size": z.number() });

/** Throws a FormatError unless QEMU reads the same disk from both. */
export async function compareByQemu(
  disk: string,
  target: string,
  driver: ReadableDisk["driver"],
): Promise<void> {
  const info = infoSchema.parse(JSON.parse(await qemuImg("info", "-f", driver, "--output=json", target)));
  const { size } = statSync(disk);
  if (info["virtual-size"] !== size) {
    throw new FormatError(
      `QEMU reads a disk of ${info["virtual-size"]} bytes from it, but the original has ${size}`,
    );
  }
  const files = ["-f", "raw", "-F", driver, disk, target];
  const { exitCode, stdout: found, stderr } = await runQemuImg("compare", ...files);
  if (exitCode !== 0) throw new FormatError(`the disk in it is not the original (${found || stderr})`);
}

/** Throws a FormatError unless the content equals the disk, byte for byte. */
export async function compareContent(disk: string, content: AsyncIterable<Buffer>): Promise<void> {
  const descriptor = openSync(disk, "r");
  const buffer = Buffer.alloc(2 ** 20);
  try {
    let position = 0;
    for await (const chunk of content) {
      if (!readAt(descriptor, position, chunk.length, buffer).equals(chunk)) {
        throw new FormatError(
          `the disk in it differs between bytes ${position} and ${position + chunk.length}`,
        );
      }
      position += chunk.length;
    }
    const { size } = fstatSync(descriptor);
    if (position !== size) throw new FormatError(`the disk in it ends at byte ${position} of ${size}`);
  } finally {
    closeSync(descriptor);
  }
}
