import { writeSync } from "node:fs";

/** Writes all bytes to an open file. A single call may write less of them, above all before a disk is full. */
export function writeAt(descriptor: number, position: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
}
