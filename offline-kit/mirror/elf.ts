const interpreterSegment = 3;

/**
 * The dynamic loader that a 64-bit little-endian ELF program asks for; undefined for anything else (scripts, shared
 * libraries, static programs, GRUB's and SYSLINUX's own modules).
 */
export function interpreterOf(content: Buffer): string | undefined {
  const isElf64 =
    content.length > 64 && content.readUInt32BE(0) === 0x7f454c46 && content[4] === 2 && content[5] === 1;
  if (!isElf64) return undefined;
  const tableOffset = Number(content.readBigUInt64LE(32));
  const entrySize = content.readUInt16LE(54);
  const entries = content.readUInt16LE(56);
  for (let index = 0; index < entries; index++) {
    const entry = tableOffset + index * entrySize;
    if (content.readUInt32LE(entry) !== interpreterSegment) continue;
    const offset = Number(content.readBigUInt64LE(entry + 8));
    const size = Number(content.readBigUInt64LE(entry + 32));
    return content.toString("utf8", offset, offset + size - 1);
  }
  return undefined;
}
