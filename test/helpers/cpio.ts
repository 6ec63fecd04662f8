/** Reads "newc" cpio archives. It follows the kernel's description of the format, not our writer. */
export interface ReadEntry {
  name: string;
  mode: number;
  owner: [number, number];
  modified: number;
  inode: number;
  device: [number, number];
  content: Buffer;
}

/** The entries of all concatenated archives, without the trailers. */
export function readCpio(archive: Buffer): ReadEntry[] {
  const entries: ReadEntry[] = [];
  const aligned = (offset: number): number => Math.ceil(offset / 4) * 4;
  let offset = 0;
  while (offset < archive.length) {
    // There may be zeroes between archives.
    if (archive[offset] === 0) {
      offset += 4;
      continue;
    }
    const header = archive.toString("latin1", offset, offset + 110);
    if (!/^070701[0-9a-fA-F]{104}$/.test(header)) throw new Error(`no cpio header at ${offset}`);
    const field = (index: number): number => parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const nameEnd = offset + 110 + field(11);
    if (archive[nameEnd - 1] !== 0) throw new Error(`the name at ${offset} does not end with a zero`);
    const start = aligned(nameEnd);
    const name = archive.toString("utf8", offset + 110, nameEnd - 1);
    const content = archive.subarray(start, start + field(6));
    offset = aligned(start + field(6));
    if (name === "TRAILER!!!") continue;
    entries.push({
      name,
      content,
      inode: field(0),
      mode: field(1),
      owner: [field(2), field(3)],
      modified: field(5),
      device: [field(9), field(10)],
    });
  }
  return entries;
}
