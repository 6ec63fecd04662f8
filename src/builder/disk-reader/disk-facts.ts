/** Tells what is on a raw disk. It judges nothing: the disk check compares the facts with what the variant declares. */
import { hash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { FormatError } from "../formats/format-error.ts";
import { readPartitionTable } from "../partition-table.ts";
import { Ext4 } from "./ext4/filesystem.ts";
import type { DiskReport } from "./facts.ts";
import { Fat } from "./fat.ts";
import { treeFacts } from "./tree-facts.ts";
import { Volume } from "./volume.ts";
import { turn, within } from "./within.ts";

const efiSystemPartition = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
/** Bytes to compare with zeroes at a time. */
const chunkSize = 2 ** 20;
/** One is a fault already; this many show where. */
const mostWritten = 100;

/**
 * Reads a disk's table, its EFI system partition and its root filesystem, which is in the last partition.
 * @throws FormatError that says what cannot be read, and where
 */
export async function readDisk(disk: string): Promise<DiskReport> {
  const table = await within("the partition table", () => readPartitionTable(disk));
  const root = table.partitions.at(-1);
  if (root === undefined) throw new FormatError("the partition table: it has no partitions");
  const descriptor = openSync(disk, "r");
  try {
    const { size } = fstatSync(descriptor);
    const boot = new Volume(descriptor, 0, size).read(0, 440);
    const efi = table.partitions.find(({ type }) => type === efiSystemPartition);
    const efiVolume = efi && new Volume(descriptor, efi.start, efi.length);
    const rootVolume = new Volume(descriptor, root.start, root.length);
    return {
      size,
      table,
      bootCode: hash("sha256", boot),
      efi: efiVolume && (await within("the EFI system partition", () => efiFacts(efiVolume))),
      ...(await within("the root filesystem", () => rootFacts(rootVolume))),
    };
  } finally {
    closeSync(descriptor);
  }
}

function efiFacts(volume: Volume): NonNullable<DiskReport["efi"]> {
  const fat = new Fat(volume);
  const files = Array.from(fat.files(), ({ path, content }): [string, string] => [
    path,
    hash("sha256", content),
  ]);
  return { label: fat.label, rootLabel: fat.rootLabel(), volumeId: fat.volumeId, files };
}

async function rootFacts(volume: Volume): Promise<Omit<DiskReport, "size" | "table" | "bootCode" | "efi">> {
  const filesystem = new Ext4(volume);
  return {
    bootSector: volume.read(3, 8).toString("latin1"),
    filesystem: { ...filesystem.superblock, journalStart: filesystem.journalStart() },
    writtenFreeBlocks: await writtenFreeBlocks(filesystem, volume),
    ...(await treeFacts(filesystem)),
  };
}

/** Where free blocks are not blank, to the nearest MiB. */
async function writtenFreeBlocks(filesystem: Ext4, volume: Volume): Promise<[number, number][]> {
  const { blockSize } = filesystem.superblock;
  const blocksAtOnce = chunkSize / blockSize;
  const blank = Buffer.alloc(chunkSize);
  const buffer = Buffer.alloc(chunkSize);
  const written: [number, number][] = [];
  for (const [first, last] of filesystem.freeRuns()) {
    for (let block = first; block <= last; block += blocksAtOnce) {
      const count = Math.min(blocksAtOnce, last - block + 1);
      const content = volume.read(block * blockSize, count * blockSize, buffer);
      if (!content.equals(blank.subarray(0, content.length))) written.push([block, block + count - 1]);
      if (written.length === mostWritten) return written;
      await turn();
    }
  }
  return written;
}
