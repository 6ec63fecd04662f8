/**
 * What the disk reader tells of a finished disk. It only tells; what is right, the disk check decides. Maps are lists of
 * pairs in JSON, because an image may have a file with the name of an object's own property.
 */
import { z } from "zod";

/** Longer than any path or name. */
const text = z.string().max(4096);
const line = z.string().max(2 ** 20);
const count = z.number().int().min(0);

/** A list of pairs as a map. */
function map<Value extends z.ZodType>(value: Value) {
  return z.array(z.tuple([text, value])).transform((pairs) => new Map(pairs as [string, z.output<Value>][]));
}

const set = z.array(text).transform((items) => new Set(items));

const pathFact = z.object({
  kind: z.enum(["file", "folder", "link", "other"]),
  /** Permissions with set-uid, set-gid and sticky bits: `0o4755`. */
  mode: count.max(0o7777),
  uid: count,
  gid: count,
  /** Times of last access, content change and metadata change, in seconds with fractions. */
  times: z.tuple([z.number(), z.number(), z.number()]),
  size: count,
});
/** A file, folder or link in the root filesystem. */
export type PathFact = z.output<typeof pathFact>;

const partition = z.object({
  number: count,
  type: text,
  id: text,
  name: text,
  active: z.boolean(),
  start: count,
  length: count,
});

/** The EFI system partition. */
const efi = z.object({
  /** In the boot sector. */
  label: text,
  /** In the root directory. */
  rootLabel: text.optional(),
  /** Eight hexadecimal digits, in lower case. */
  volumeId: text,
  /** Path of a file → its sha256. */
  files: map(text),
});

/** The superblock and the journal of the root filesystem. */
const filesystem = z.object({
  label: text,
  uuid: text,
  hashSeed: text,
  /** Whether it was unmounted, and no errors were found in it. */
  clean: z.boolean(),
  /** Bytes. */
  blockSize: count,
  blockCount: count,
  mountCount: count,
  /** 0 if the journal has nothing to replay. Undefined without a journal. */
  journalStart: count.optional(),
  features: z.array(text),
  /** Times in seconds. */
  created: count,
  written: count,
  checked: count,
});

/** First and last one, of blocks that follow each other. */
const blocks = z.tuple([count, count]);

export const diskFacts = z.object({
  /** Bytes. */
  size: count,
  table: z.object({
    kind: z.enum(["MBR", "GPT"]),
    id: text,
    usableEnd: count,
    partitions: z.array(partition),
  }),
  /** The sha256 of the disk's boot code: the first 440 bytes. */
  bootCode: text,
  /** The name of the system in the boot sector of the root filesystem. */
  bootSector: text,
  /** If the disk has an EFI system partition. */
  efi: efi.optional(),
  filesystem,
  /** Free blocks of the root filesystem that are not blank. */
  writtenFreeBlocks: z.array(blocks),
  /** Paths have no leading slash; the root itself is `.`. */
  paths: map(pathFact),
  /** Blocks of the file that are on the disk, for files that the bootloader loads. */
  extents: map(z.array(blocks)),
  /** Links in /etc/runlevels → their targets. */
  links: map(text),
  /** Text files that are checked, as lines. */
  texts: map(z.array(line)),
  /** Name → version, from apk's database. */
  packages: map(text),
  /** Files that belong to a package: apk's keys, and files with set-uid or set-gid bits. */
  owned: set,
  /** Path → sha256: apk's keys, and the boot code that the disk should have. */
  sums: map(text),
  /** Modules that are part of the kernel itself. */
  builtinModules: set,
  /** Paths of the modules in the initramfs. */
  initramfsModules: set,
});
/** What is on a disk. */
export type DiskFacts = z.output<typeof diskFacts>;
/** The same as JSON. */
export type DiskReport = z.input<typeof diskFacts>;

/** What the disk reader prints: the facts, or why the disk cannot be read. */
export const readerOutput = z.union([
  z.object({ facts: diskFacts }),
  z.object({ fault: z.string().max(2 ** 16) }),
]);
export type ReaderOutput = z.input<typeof readerOutput>;
