/** CRC-32C (Castagnoli), the checksum of ext4's metadata. Node has only the CRC-32 of zlib. */

/** The polynomial, with its bits reversed. */
const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
  return value >>> 0;
});

/** Continues a checksum as ext4 does: without inverting it before and after. @param value of the bytes before; ~0 at first */
export function crc32c(value: number, bytes: Uint8Array): number {
  let sum = value;
  for (const byte of bytes) sum = table[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  return sum >>> 0;
}

/** The same for a number of 32 bits, in little-endian order. */
export function crc32cOfNumber(value: number, number: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return crc32c(value, bytes);
}
