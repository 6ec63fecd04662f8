/**
 * An initramfs archive ("newc" cpio, the kernel's Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * Implemented here because no maintained package reads and writes it. Each entry has a fixed header of hexadecimal numbers.
 * Archives can be concatenated: later entries win.
 */
export interface CpioEntry {
  /** Path without a leading slash. */
  path: string;
  /** Permission bits; the type bits come from `kind`. */
  mode: number;
  kind: "file" | "directory" | "symlink" | "character-device";
  /** File content or link target. */
  content?: Uint8Array;
  /** Major and minor number of a device. */
  device?: [number, number];
}

const typeBits: Record<CpioEntry["kind"], number> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  "character-device": 0o020000,
};

/** An archive of the entries in the given order, owned by root and dated 0. Its length is a multiple of 512 bytes. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  let inode = 1;
  for (const entry of entries) {
    if (entry.path.startsWith("/") || entry.path === "" || entry.path.split("/").includes("..")) {
      throw new Error(`cpio entry needs a relative path, not '${entry.path}'`);
    }
    parts.push(record(inode, entry));
    inode += 1;
  }
  parts.push(record(0, { path: "TRAILER!!!", mode: 0, kind: "file" }, 0));
  const archive = Buffer.concat(parts);
  return Buffer.concat([archive, Buffer.alloc((512 - (archive.length % 512)) % 512)]);
}

function record(inode: number, entry: CpioEntry, typed = typeBits[entry.kind]): Buffer {
  const content = entry.content ?? new Uint8Array();
  const name = Buffer.from(`${entry.path}\0`);
  const [major, minor] = entry.device ?? [0, 0];
  const links = entry.kind === "directory" ? 2 : 1;
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const numbers = [
    inode,
    typed | entry.mode,
    0,
    0,
    links,
    0,
    content.length,
    0,
    0,
    major,
    minor,
    name.length,
    0,
  ];
  const header = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(content)]);
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

/** Every folder above the given paths, parents first, as entries of mode 0755. */
export function parentFolders(paths: Iterable<string>): CpioEntry[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const parts = path.split("/").slice(0, -1);
    parts.forEach((_, index) => folders.add(parts.slice(0, index + 1).join("/")));
  }
  return [...folders].sort().map((path) => ({ path, mode: 0o755, kind: "directory" as const }));
}

const headerBytes = 110;

/**
 * The entries of an archive, and of those concatenated to it. Devices other than character devices are left out.
 * @throws Error if the archive is damaged, or an entry's path leads out of it
 */
export function* readCpio(archive: Uint8Array): Generator<CpioEntry> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const kinds = new Map(Object.entries(typeBits).map(([kind, bits]) => [bits, kind as CpioEntry["kind"]]));
  for (let at = 0; at < bytes.length;) {
    // Archives are padded with zeroes.
    if (bytes[at] === 0) {
      at += 1;
      continue;
    }
    const header = bytes.toString("latin1", at, at + headerBytes);
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) throw new Error(`no cpio header at byte ${at}`);
    const number = (index: number): number => parseInt(header.slice(6 + 8 * index, 14 + 8 * index), 16);
    const [mode, size, nameSize] = [number(1), number(6), number(11)];
    const start = aligned(at + headerBytes + nameSize);
    if (nameSize === 0 || start + size > bytes.length)
      throw new Error(`the cpio entry at byte ${at} is cut off`);
    const name = bytes.toString("utf8", at + headerBytes, at + headerBytes + nameSize - 1);
    at = aligned(start + size);
    const kind = kinds.get(mode & 0o170000);
    if (name === "TRAILER!!!" || name === "." || kind === undefined) continue;
    if (name.startsWith("/") || name.split("/").includes("..")) {
      throw new Error(`the cpio entry '${name}' leads out of the archive`);
    }
    yield { path: name, mode: mode & 0o7777, kind, content: bytes.subarray(start, start + size) };
  }
}

const aligned = (position: number): number => Math.ceil(position / 4) * 4;
