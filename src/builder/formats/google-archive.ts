/**
 * The archive that Google Compute Engine imports: a tar in GNU's old format, of one file `disk.raw`, packed by gzip.
 * The one block of header is written here, for tar-stream and node-tar write the newer ustar format only.
 */
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { extract } from "tar-stream";
import { FormatError } from "./format-error.ts";

const member = "disk.raw";
const block = 512;
/** GNU tar fills its archives up to 20 blocks. */
const record = 20 * block;
/** For few, large steps through a disk that is mostly zeroes. */
const chunkSize = 2 ** 20;
/** 3 is done in half the time and 6 % larger; 9 takes twice the time and is no smaller. */
const level = 6;

/** @param time of the file in the archive, in seconds since 1970 */
export async function writeGoogleArchive(disk: string, target: string, time: number): Promise<void> {
  await pipeline(archive(disk, time), createGzip({ level, chunkSize }), createWriteStream(target));
}

async function* archive(disk: string, time: number): AsyncGenerator<Buffer> {
  const { size } = statSync(disk);
  yield gnuHeader(size, time);
  yield* createReadStream(disk, { highWaterMark: chunkSize }) as AsyncIterable<Buffer>;
  // Two empty blocks at least end an archive.
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
    // GNU's way for what 11 octal digits cannot say: from 8 GiB on.
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
 * The content of `disk.raw`, piece by piece.
 * @throws FormatError when the archive holds anything else, or is not what Google asks for
 */
export async function* readGoogleArchive(file: string): AsyncGenerator<Buffer> {
  const reader = extract();
  const feeding = pipeline(createReadStream(file), createGunzip({ chunkSize }), gnuOnly, reader);
  // It is awaited below; a fault before that reaches the reader too.
  feeding.catch(() => {});
  const found: string[] = [];
  try {
    for await (const entry of reader) {
      const { name, type } = entry.header;
      found.push(name);
      if (name !== member || found.length > 1 || type !== "file") {
        throw new FormatError(
          `its archive has to hold the file ${member} alone, and has ${found.join(", ")}`,
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

/** Lets an archive in GNU's format through. */
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
