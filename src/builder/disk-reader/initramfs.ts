/**
 * Reads an initramfs as the kernel does (its Documentation/driver-api/early-userspace/buffer-format.rst): cpio archives
 * one after the other, each by itself or together with others in a gzip file. Nothing in it is trusted.
 */
import { crc32, inflateRawSync } from "node:zlib";
import { FormatError } from "../formats/format-error.ts";
import { textOf } from "./text.ts";

/** Bytes of all archives when unpacked. */
const mostUnpacked = 2 ** 28;
const headerSize = 110;
/** Bytes, with the zero at its end. */
const longestName = 4096;
const trailer = "TRAILER!!!";

/** How other kinds of compression start. */
const otherKinds: Record<string, RegExp> = {
  bzip2: /^425a68/,
  LZ4: /^(02214c18|04224d18)/,
  LZMA: /^5d0000/,
  LZO: /^894c5a4f/,
  XZ: /^fd377a585a00/,
  Zstandard: /^28b52ffd/,
};

export interface InitramfsEntry {
  /** Without `./` or slashes at its start. */
  path: string;
  /** With the bits of its type: `0o100644`. */
  mode: number;
  /** A file's content, or a link's target. */
  content: Buffer;
}

/**
 * All entries in their order. Later ones replace earlier ones of the same path.
 * @throws FormatError if it is damaged, compressed by something else than gzip, or too large
 */
export function* initramfsEntries(packed: Buffer): Generator<InitramfsEntry> {
  let left = mostUnpacked - packed.length;
  for (let at = 0; at < packed.length;) {
    if (packed[at] === 0) at += 1;
    else if (isCpio(packed, at)) at = yield* archiveEntries(packed, at);
    else {
      const { content, end } = gunzip(packed, at, left);
      left -= content.length;
      yield* archivesIn(content);
      at = end;
    }
  }
}

/** The entries of what a gzip file contains, which is archives alone. */
function* archivesIn(content: Buffer): Generator<InitramfsEntry> {
  for (let at = 0; at < content.length;) {
    if (content[at] === 0) at += 1;
    else if (isCpio(content, at)) at = yield* archiveEntries(content, at);
    else throw new FormatError(`there is no cpio archive at byte ${at} of what its compressed part contains`);
  }
}

function isCpio(bytes: Buffer, at: number): boolean {
  return at % 4 === 0 && /^07070[12]$/.test(bytes.toString("latin1", at, at + 6));
}

/** The entries of the archive that starts there. Returns where it ends. */
function* archiveEntries(bytes: Buffer, start: number): Generator<InitramfsEntry, number> {
  for (let at = start; ;) {
    const fault = (what: string): FormatError => new FormatError(`the cpio entry at byte ${at} ${what}`);
    const header = bytes.toString("latin1", at, at + headerSize);
    if (!/^07070[12][0-9A-Fa-f]{104}$/.test(header)) throw fault("has no header");
    const number = (field: number): number => parseInt(header.slice(6 + field * 8, 14 + field * 8), 16);
    const [mode, size, nameSize] = [number(1), number(6), number(11)];
    const nameEnd = at + headerSize + nameSize;
    const contentStart = aligned(nameEnd);
    const end = contentStart + size;
    if (end > bytes.length) throw fault("reaches beyond the archive's end");
    if (nameSize < 2 || nameSize > longestName || bytes.indexOf(0, at + headerSize) !== nameEnd - 1)
      throw fault("has an invalid name");
    const name = textOf(bytes.subarray(at + headerSize, nameEnd - 1));
    if (name === trailer) return end;
    yield { path: name.replace(/^(\.?\/)+/, ""), mode, content: bytes.subarray(contentStart, end) };
    at = aligned(end);
  }
}

const aligned = (position: number): number => Math.ceil(position / 4) * 4;

/** Unpacks the gzip member that starts there. Returns its content, and where it ends. */
function gunzip(packed: Buffer, at: number, limit: number): { content: Buffer; end: number } {
  const start = packed.toString("hex", at, at + 6);
  if (!start.startsWith("1f8b08")) {
    const [kind] = Object.entries(otherKinds).find(([, magic]) => magic.test(start)) ?? [];
    throw new FormatError(
      kind === undefined
        ? `there is neither a cpio archive nor a gzip file at byte ${at}`
        : `it is compressed by ${kind} at byte ${at}, which this reader does not know`,
    );
  }
  try {
    const compressed = packed.subarray(gzipHeaderEnd(packed, at));
    // With `info`, the engine says how much of its input it took. The types do not know of it.
    const { buffer: content, engine } = inflateRawSync(compressed, {
      info: true,
      maxOutputLength: Math.max(1, limit),
      chunkSize: 2 ** 20,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    const taken = engine.bytesWritten;
    if (
      compressed.readUInt32LE(taken) !== crc32(content) ||
      compressed.readUInt32LE(taken + 4) !== content.length
    )
      throw new FormatError(`the gzip file at byte ${at} has a wrong checksum`);
    return { content, end: packed.length - compressed.length + taken + 8 };
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new FormatError(
      code === "ERR_BUFFER_TOO_LARGE"
        ? `it has more than ${mostUnpacked} bytes when unpacked`
        : `the gzip file at byte ${at} is damaged (${message})`,
    );
  }
}

/** Where a gzip member's data begins, after the optional fields of its header (RFC 1952). */
function gzipHeaderEnd(packed: Buffer, start: number): number {
  const flags = packed.readUInt8(start + 3);
  let at = start + 10;
  if ((flags & 4) !== 0) at += 2 + packed.readUInt16LE(at);
  // Name and comment.
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const zero = packed.indexOf(0, at);
    if (zero < 0) throw new FormatError(`the gzip file at byte ${start} has no end of its name`);
    at = zero + 1;
  }
  return (flags & 2) !== 0 ? at + 2 : at;
}
