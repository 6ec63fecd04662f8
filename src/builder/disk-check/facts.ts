/** Reads the facts that the guest scripts in guest/check/ report about a finished disk. */
import { z } from "zod";

/** Bytes of a block of the root filesystem. */
export const blockBytes = 4096;

/** A file, folder or link in the root filesystem. */
export interface PathFact {
  kind: "file" | "folder" | "link" | "other";
  /** Permissions with set-uid, set-gid and sticky bits: `0o4755`. */
  mode: number;
  uid: number;
  gid: number;
  /** Times of last access, content change and metadata change, in seconds. */
  times: [number, number, number];
  size: number;
}

/** Paths have no leading slash; the root itself is `.`. */
export interface DiskFacts {
  /** Facts that occur once. */
  single: ReadonlyMap<string, string>;
  table: PartitionTable | undefined;
  /** Fields of the superblock, by their names in dumpe2fs. */
  filesystem: ReadonlyMap<string, string>;
  /** First and last block of each run of free blocks. */
  freeBlocks: readonly (readonly [number, number])[];
  /** First and last logical block of each extent, for files that the bootloader loads. */
  extents: ReadonlyMap<string, readonly (readonly [number, number])[]>;
  /** Path of a file on the EFI system partition → its sha256. */
  efiFiles: ReadonlyMap<string, string>;
  paths: ReadonlyMap<string, PathFact>;
  /** Links in /etc/runlevels → their targets. */
  links: ReadonlyMap<string, string>;
  /** Text files that are checked, as lines. */
  texts: ReadonlyMap<string, readonly string[]>;
  /** Name → version, from apk's database. */
  packages: ReadonlyMap<string, string>;
  /** Files that belong to a package: apk's keys, and files with set-uid or set-gid bits. */
  owned: ReadonlySet<string>;
  /** Path → sha256. */
  sums: ReadonlyMap<string, string>;
  /** Modules that are part of the kernel itself. */
  builtinModules: ReadonlySet<string>;
  /** Paths of the modules in the initramfs. */
  initramfsModules: ReadonlySet<string>;
  /** Lines that could not be parsed. */
  unreadable: readonly string[];
}

const partitionTable = z.object({
  partitiontable: z.object({
    label: z.string(),
    id: z.string(),
    firstlba: z.number().optional(),
    lastlba: z.number().optional(),
    partitions: z
      .array(
        z.object({
          start: z.number(),
          size: z.number(),
          type: z.string(),
          bootable: z.boolean().optional(),
          uuid: z.string().optional(),
          name: z.string().optional(),
        }),
      )
      .default([]),
  }),
});
export type PartitionTable = z.infer<typeof partitionTable>["partitiontable"];

const kinds: Record<number, PathFact["kind"]> = { 0o4: "folder", 0o10: "file", 0o12: "link" };

type Blocks = [number, number];

/** Collects facts line by line. */
class FactReader {
  readonly single = new Map<string, string>();
  table: PartitionTable | undefined;
  readonly filesystem = new Map<string, string>();
  readonly freeBlocks: Blocks[] = [];
  readonly extents = new Map<string, Blocks[]>();
  readonly efiFiles = new Map<string, string>();
  readonly paths = new Map<string, PathFact>();
  readonly links = new Map<string, string>();
  readonly texts = new Map<string, string[]>();
  readonly packages = new Map<string, string>();
  readonly owned = new Set<string>();
  readonly sums = new Map<string, string>();
  readonly builtinModules = new Set<string>();
  readonly initramfsModules = new Set<string>();
  readonly unreadable: string[] = [];
  /** Extents of the file that was named last. */
  #extents: Blocks[] = [];

  /** How to read each kind of fact. All other kinds occur once. */
  readonly #kinds: Record<string, (text: string) => void> = {
    table: (text) => (this.table = parseTable(text)),
    filesystem: (text) =>
      // Counts of free blocks and inodes are in here too, but no check compares them.
      void this.#take(text, /^([^:]+):\s*(.*)$/, (name, value) => this.filesystem.set(name, value)),
    "free-blocks": (text) => this.#readFreeBlocks(text),
    extents: (text) => this.#readExtent(text),
    "efi-file": (text) => this.#take(text, /^(\w+) (.*)$/, (sum, path) => this.efiFiles.set(path, sum)),
    path: (text) => this.#readPath(text),
    link: (text) =>
      this.#take(text, /^'(.*)' -> '(.*)'$/, (path, target) => this.links.set(plain(path), target)),
    line: (text) =>
      this.#take(text, /^([^:]+):(.*)$/, (path, line) => {
        const lines = this.texts.get(path) ?? [];
        lines.push(line);
        this.texts.set(path, lines);
      }),
    package: (text) => this.#take(text, /^(\S+) (\S+)$/, (name, version) => this.packages.set(name, version)),
    owned: (text) => this.owned.add(text),
    sum: (text) => this.#take(text, /^(\w+) [ *](.*)$/, (sum, path) => this.sums.set(path, sum)),
    builtin: (text) => this.builtinModules.add(text),
    initramfs: (text) => this.initramfsModules.add(plain(text)),
  };

  read(line: string): void {
    const [, kind = line, text = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    const read = this.#kinds[kind];
    if (read === undefined) this.single.set(kind, text);
    else read(text);
  }

  /** Passes on a pattern's groups in a fact's text. A text that does not match is unreadable. */
  #take(text: string, pattern: RegExp, use: (...groups: string[]) => void): void {
    const [, ...groups] = pattern.exec(text) ?? [];
    if (groups.length === 0) this.unreadable.push(text);
    else use(...groups);
  }

  #readFreeBlocks(text: string): void {
    for (const range of text.split(", ")) {
      const [first, last = first] = range.split("-").map(Number);
      this.freeBlocks.push([first!, last!]);
    }
  }

  #readExtent(text: string): void {
    const file = /^debugfs: ex "\/(.*)"$/.exec(text)?.[1];
    if (file !== undefined) this.extents.set(file, (this.#extents = []));
    const [, level, depth, first, last, flags] =
      /^\s*(\d+)\/\s*(\d+)\s+\d+\/\s*\d+\s+(\d+)\s+-\s+(\d+)\s.*?\d+\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
    // Only leaves of the extent tree refer to data. To a bootloader, allocated but unwritten blocks are a hole.
    if (level !== undefined && level === depth && flags === "")
      this.#extents.push([Number(first), Number(last)]);
  }

  #readPath(text: string): void {
    this.#take(text, /^([0-9a-f]+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (.*)$/, (mode, ...rest) => {
      const [uid, gid, access, content, metadata, size] = rest.slice(0, 6).map(Number) as [
        ...[number, number, number],
        ...[number, number, number],
      ];
      const bits = parseInt(mode, 16);
      this.paths.set(plain(rest[6]!), {
        kind: kinds[bits >> 12] ?? "other",
        mode: bits & 0o7777,
        uid,
        gid,
        times: [access, content, metadata],
        size,
      });
    });
  }
}

/** @param lines facts without the word `fact`: `KIND …` */
export function readFacts(lines: Iterable<string>): DiskFacts {
  const reader = new FactReader();
  for (const line of lines) reader.read(line);
  return reader;
}

function parseTable(text: string): PartitionTable | undefined {
  try {
    return partitionTable.parse(JSON.parse(text)).partitiontable;
  } catch {
    return undefined;
  }
}

function plain(path: string): string {
  return path.replace(/^\.\//, "");
}
