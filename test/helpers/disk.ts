/** Writes small raw disks with partition tables, so that the code that reads tables does not test itself. */
import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const sector = 512;
/** In an MBR. */
export const diskId = 0x12345678;

export interface DiskPart {
  /** GPT only. */
  name?: string;
  /** GPT only: whether it is an EFI system partition. */
  efi?: boolean;
  /** MBR only. @default Linux's, 0x83 */
  type?: number;
  /** MBR only. */
  active?: boolean;
  /** MiB. */
  start: number;
  /** MiB. */
  length: number;
  /** The content at its start. */
  content?: Buffer;
}

/** Writes a disk with an MBR. */
export function mbrDisk(file: string, sizeMib: number, parts: readonly DiskPart[]): string {
  const record = Buffer.alloc(sector);
  record.writeUInt32LE(diskId, 440);
  parts.forEach(({ start, length, type = 0x83, active = false }, index) => {
    record.writeUInt8(active ? 0x80 : 0, 446 + index * 16);
    record.writeUInt8(type, 446 + index * 16 + 4);
    record.writeUInt32LE(start * 2048, 446 + index * 16 + 8);
    record.writeUInt32LE(length * 2048, 446 + index * 16 + 12);
  });
  record.writeUInt16LE(0xaa55, 510);
  return write(file, sizeMib, parts, [[record, 0]]);
}

/** Writes a disk with a GPT. The backup table is where a disk of `endsAtMib` would have it. */
export function gptDisk(
  file: string,
  sizeMib: number,
  parts: readonly DiskPart[],
  endsAtMib = sizeMib,
): string {
  const protection = Buffer.alloc(sector);
  protection.writeUInt8(0xee, 446 + 4);
  protection.writeUInt32LE(1, 446 + 8);
  protection.writeUInt32LE(endsAtMib * 2048 - 1, 446 + 12);
  protection.writeUInt16LE(0xaa55, 510);
  const entries = Buffer.alloc(128 * 128);
  parts.forEach(({ name = "", efi = false, start, length }, index) => {
    const entry = entries.subarray(index * 128);
    entry.fill(index + 1, 0, 32);
    if (efi) entry.write("28732ac11ff8d211ba4b00a0c93ec93b", "hex");
    entry.writeBigUInt64LE(BigInt(start * 2048), 32);
    entry.writeBigUInt64LE(BigInt((start + length) * 2048 - 1), 40);
    entry.write(name, 56, "utf16le");
  });
  const last = endsAtMib * 2048 - 1;
  const header = (own: number, other: number, table: number): Buffer => {
    const bytes = Buffer.alloc(92);
    bytes.write("EFI PART\0\0\x01\0\x5c\0\0\0", "latin1");
    [own, other, 34, last - 33].forEach((at, index) => bytes.writeBigUInt64LE(BigInt(at), 24 + index * 8));
    bytes.writeBigUInt64LE(BigInt(table), 72);
    bytes.writeUInt32LE(128, 80);
    bytes.writeUInt32LE(128, 84);
    bytes.writeUInt32LE(crc32(entries), 88);
    bytes.writeUInt32LE(crc32(bytes), 16);
    return bytes;
  };
  return write(file, sizeMib, parts, [
    [protection, 0],
    [header(1, last, 2), sector],
    [entries, 2 * sector],
    [entries, (last - 32) * sector],
    [header(last, 1, last - 32), last * sector],
  ]);
}

function write(
  file: string,
  sizeMib: number,
  parts: readonly DiskPart[],
  table: readonly (readonly [Buffer, number])[],
): string {
  const descriptor = openSync(file, "w");
  for (const [bytes, at] of table) writeSync(descriptor, bytes, 0, bytes.length, at);
  for (const { start, content } of parts) {
    if (content !== undefined) writeSync(descriptor, content, 0, content.length, start * 2 ** 20);
  }
  ftruncateSync(descriptor, sizeMib * 2 ** 20);
  closeSync(descriptor);
  return file;
}

/** Position → content. */
export type Content = Record<number, Buffer>;

/** Writes a disk of this many bytes, with holes where it has no content. */
export function sparseDisk(file: string, size: number, content: Content): string {
  const descriptor = openSync(file, "w");
  ftruncateSync(descriptor, size);
  for (const [position, bytes] of Object.entries(content)) {
    assert.ok(Number(position) + bytes.length <= size, "the content is beyond the disk's end");
    writeSync(descriptor, bytes, 0, bytes.length, Number(position));
  }
  closeSync(descriptor);
  return file;
}

/** Incompressible bytes, the same each time. */
export function noise(length: number): Buffer {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

/** Changes one byte of a file. */
export function flipByte(file: string, at: number): void {
  const descriptor = openSync(file, "r+");
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, at);
  byte.writeUInt8(byte[0]! ^ 0xff, 0);
  writeSync(descriptor, byte, 0, 1, at);
  closeSync(descriptor);
}
