import { readSync } from "node:fs";
import { FormatError } from "./format-error.ts";

/**
 * That many bytes of an open file.
 * @param buffer used again and again by who reads much, where it is large enough
 * @throws FormatError where the file ends before
 */
export function readAt(descriptor: number, position: number, length: number, buffer?: Buffer): Buffer {
  const bytes =
    buffer !== undefined && buffer.length >= length ? buffer.subarray(0, length) : Buffer.alloc(length);
  const read = position < 0 ? 0 : readSync(descriptor, bytes, 0, length, position);
  if (read < length) throw new FormatError(`it ends before byte ${position + length}`);
  return bytes;
}
