import { readSync } from "node:fs";
import { FormatError } from "./format-error.ts";

/**
 * Reads `length` bytes of an open file.
 * @param buffer reused if it is large enough, for callers that read a lot
 * @throws FormatError if the file ends before that
 */
export function readAt(descriptor: number, position: number, length: number, buffer?: Buffer): Buffer {
  const bytes =
    buffer !== undefined && buffer.length >= length ? buffer.subarray(0, length) : Buffer.alloc(length);
  const read = position < 0 ? 0 : readSync(descriptor, bytes, 0, length, position);
  if (read < length) throw new FormatError(`it ends before byte ${position + length}`);
  return bytes;
}
