/** What the guest scripts of guest/check/ tell of a finished disk. */
import { z } from "zod";

/** A file, folder or link of the root filesystem. */
export interface PathFact {
  kind: "file" | "folder" | "link" | "other";
  /** Permissions with set-uid, set-gid and sticky bits: `0o4755`. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds: of access, of change of its content, of change of its metadata. */
  times: [number, number, number];
  size: number;
}

/** Paths have no slash in front; the root itself is `.`. */
export interface DiskFacts {
  /** Facts that there is one of. */
  single: ReadonlyMap<string, string>;
  table: PartitionTable | undefined;
  /** Fields of the superblock, by dumpe2fs' names for them. */
  filesystem: ReadonlyMap<string, string>;
  /** First and last block of each run of free blocks. */
  freeBlocks: readonly (readonly [number, number])[];
  /** First and last logical block of each extent of a file that the bootloader loads. */
  extents: ReadonlyMap<string, readonly (readonly [number, number])[]>;
  /** Path of a file on the EFI system partition → its sha256. */
  efiFiles: ReadonlyMap<string, string>;
  paths: ReadonlyMap<string, PathFact>;
  /** Links below /etc/runlevels → where they lead. */
  links: ReadonlyMap<string, string>;
  /** Text files that are looked into, line by line. */
  texts: ReadonlyMap<string, readonly string[]>;
  /** Name → version, of apk's database. */
  packages: ReadonlyMap<string, string>;
  /** Files of packages: apk's keys, and those with set-uid or set-gid bits. */
  owned: ReadonlySet<string>;
  /** Path → sha256. */
  sums: ReadonlyMap<string, string>;
  /** Modules that are part of the kernel itself. */
  builtinModules: ReadonlySet<string>;
  /** Paths of the modules in the initramfs. */
  initramfsModules: ReadonlySet<string>;
  /** Lines that could not be understood. */
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

/** @param lines facts without the word `fact`: `KIND …` */
export function readFacts(lines: Iterable<string>): DiskFacts {
  const single = new Map<string, string>();
  const filesystem = new Map<string, string>();
  const freeBlocks: [number, number][] = [];
  const extents = new Map<string, [number, number][]>();
  const efiFiles = new Map<string, string>();
  const paths = new Map<string, PathFact>();
  const links = new Map<string, string>();
  const texts = new Map<string, string[]>();
  const packages = new Map<string, string>();
  const owned = new Set<string>();
  const sums = new Map<string, string>();
  const builtinModules = new Set<string>();
  const initramfsModules = new Set<string>();
  const unreadable: string[] = [];
  let table: PartitionTable | undefined;
  let extentsOf: [number, number][] = [];

  /** Groups of a pattern in a fact's text; what does not match is unreadable. */
  const take = (text: string, pattern: RegExp, use: (...groups: string[]) => void): void => {
    const [, ...groups] = pattern.exec(text) ?? [];
    if (groups.length === 0) unreadable.push(text);
    else use(...groups);
  };
  const readers: Record<string, (text: string) => void> = {
    table: (text) => {
      table = parseTable(text);
    },
    filesystem: (text) =>
      // Of the free blocks and inodes it says how many there are, as a count; that is no field to compare.
      void take(text, /^([^:]+):\s*(.*)$/, (name, value) => filesystem.set(name, value)),
    "free-blocks": (text) => {
      for (const range of text.split(", ")) {
        const [first, last = first] = range.split("-").map(Number);
        freeBlocks.push([first!, last!]);
      }
    },
    extents: (text) => {
      const file = /^debugfs: ex "\/(.*)"$/.exec(text)?.[1];
      if (file !== undefined) extents.set(file, (extentsOf = []));
      const [, level, depth, first, last, flags] =
        /^\s*(\d+)\/\s*(\d+)\s+\d+\/\s*\d+\s+(\d+)\s+-\s+(\d+)\s.*?\d+\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
      // Only the leaves of the tree name data, and what is allocated but never written is a hole to a bootloader.
      if (level !== undefined && level === depth && flags === "")
        extentsOf.push([Number(first), Number(last)]);
    },
    "efi-file": (text) => take(text, /^(\w+) (.*)$/, (sum, path) => efiFiles.set(path, sum)),
    path: (text) =>
      take(text, /^([0-9a-f]+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (.*)$/, (mode, ...rest) => {
        const [uid, gid, access, content, metadata, size] = rest.slice(0, 6).map(Number) as [
          ...[number, number, number],
          ...[number, number, number],
        ];
        const bits = parseInt(mode, 16);
        const kind = kinds[bits >> 12] ?? "other";
        const fact: PathFact = {
          kind,
          mode: bits & 0o7777,
          uid,
          gid,
          times: [access, content, metadata],
          size,
        };
        paths.set(plain(rest[6]!), fact);
      }),
    link: (text) => take(text, /^'(.*)' -> '(.*)'$/, (path, target) => links.set(plain(path), target)),
    line: (text) =>
      take(text, /^([^:]+):(.*)$/, (path, line) => {
        const lines = texts.get(path) ?? [];
        lines.push(line);
        texts.set(path, lines);
      }),
    package: (text) => take(text, /^(\S+) (\S+)$/, (name, version) => packages.set(name, version)),
    owned: (text) => owned.add(text),
    sum: (text) => take(text, /^(\w+) [ *](.*)$/, (sum, path) => sums.set(path, sum)),
    builtin: (text) => builtinModules.add(text),
    initramfs: (text) => initramfsModules.add(plain(text)),
  };
  for (const line of lines) {
    const [, kind = line, text = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    const read = readers[kind];
    if (read === undefined) single.set(kind, text);
    else read(text);
  }
  return {
    single,
    table,
    filesystem,
    freeBlocks,
    extents,
    efiFiles,
    paths,
    links,
    texts,
    packages,
    owned,
    sums,
    builtinModules,
    initramfsModules,
    unreadable,
  };
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
