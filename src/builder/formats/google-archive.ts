/**
 * The archive that Google Compute Engine imports: a gzipped tar in GNU's old format with a single file, `disk.raw`. The
 * header block is written here because tar-stream and node-tar write only the newer ustar format.
 */
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { allChunks } from "./disk-content.ts";
import { FormatError } from "./format-error.ts";
import { gzip } from "./gzip.ts";

const member = "disk.raw";
const block = 512;
/** GNU tar pads archives to a multiple of 20 blocks. */
const record = 20 * block;
/** Large, because the disk is mostly zeroes. */
const chunkSize = 2 ** 20;

/** @param time modification time of the file in the archive, in seconds since 1970 */
export async function writeGoogleArchive(disk: string, target: string, time: number): Promise<void> {
  await pipeline(gzip(archive(disk, time)), createWriteStream(target));
}

async function* archive(disk: string, time: number): AsyncGenerator<Buffer> {
  const { size } = statSync(disk);
  yield gnuHeader(size, time);
  yield* allChunks(disk, chunkSize);
  // An archive ends with at least two empty blocks.
  const written = block + size;
  yield Buffer.alloc(Math.ceil((written + 2 * block) / record) * record - written);
}

/** The header as GNU tar writes it with `--format=oldgnu`. */
export function gnuHeader(size: number, time: number): Buffer {
  const header = Buffer.alloc(block);
  header.write(member, 0);
  const octal = (value: number, length: number, offset: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset);
  };
  octal(0o644, 8, 100);
  octal(0, 8, 108);
  octal(0, 8, 116);
  if (size < 8 ** 11) {
    octal(size, 12, 124);
  } else {
    // GNU's encoding for sizes that do not fit in 11 octal digits: 8 GiB and more.
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(time, 12, 136);
  header.write("        0", 148);
  header.write("ustar  \0root", 257);
  header.write("root", 297);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/**
 * The content of `disk.raw`, in chunks.
 * @throws FormatError if the archive contains anything else, or is not in the format that Google requires
 */
export async function* readGoogleArchive(file: string): AsyncGenerator<Buffer> {
  const reader = extract();
  const feeding = pipeline(createReadStream(file), createGunzip({ chunkSize }), gnuOnly, reader);
  // Awaited below; an error before that also reaches the reader.
  feeding.catch(() => {});
  const found: string[] = [];
  try {
    for await (const entry of reader) {
      const { name, type } = entry.header;
      found.push(name);
      if (name !== member || found.length > 1 || type !== "file") {
        throw new FormatError(
          `its archive must contain only the file ${member}, but has ${found.join(", ")}`,
        );
      }
      yield* entry as AsyncIterable<Buffer>;
    }
    await feeding;
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`its archive cannot be read (${(error as Error).message})`, { cause: error });
  }
  if (found.length === 0) throw new FormatError("its archive is empty");
}

/** Passes an archive through if it is in GNU's format, and throws otherwise. */
async function* gnuOnly(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of source) {
    if (first && chunk.toString("latin1", 257, 265) !== "ustar  \0") {
      throw new FormatError("its archive is not in GNU's format");
    }
    first = false;
    yield chunk;
  }
}
