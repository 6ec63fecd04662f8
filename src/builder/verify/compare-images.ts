/** Finds where two images differ that should be identical. */
import { mkdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { scratchFolder } from "../../lib/workspace.ts";
import { rawDisk } from "../formats/unpack.ts";
import { readPartitionTable } from "../partition-table.ts";
import { blockSize, byPartition, type DifferingPart, differingBytes } from "./differing-blocks.ts";
import { filesAt, isExt4 } from "./ext4-files.ts";

/** Maximum number of lines in a report. */
const mostLines = 40;

/** Describes, line by line, where the disks of two image files differ or, if they are the same, where the files differ. */
export async function compareImages(first: string, second: string): Promise<string[]> {
  const scratch = scratchFolder("verify");
  try {
    const disks = await Promise.all(
      [first, second].map((file, index) => {
        const folder = path.join(scratch, String(index));
        mkdirSync(folder);
        return rawDisk(file, folder);
      }),
    );
    const lines = await compareDisks(disks[0]!, disks[1]!);
    if (lines.length > 0) return lines;
    const [at] = differingBytes(first, second);
    return at === undefined
      ? []
      : [`the disks are identical, but the files differ from byte ${at} on: the difference is in the format`];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The same for raw disks. Returns no lines if they are identical. */
export async function compareDisks(first: string, second: string): Promise<string[]> {
  const sizes = [first, second].map((disk) => statSync(disk).size);
  if (sizes[0] !== sizes[1]) return [`the disks have ${sizes.join(" and ")} bytes`];
  const differences = differingBytes(first, second);
  if (differences.length === 0) return [];
  const parts = byPartition(readPartitionTable(first), differences);
  const lines = (await Promise.all(parts.map((part) => linesOf(first, second, part)))).flat();
  const more = lines.length - mostLines;
  return more > 0 ? [...lines.slice(0, mostLines), `and ${more} more`] : lines;
}

/** One line for each file that differs, or one line for a part without files. */
async function linesOf(
  first: string,
  second: string,
  { name, start, differences }: DifferingPart,
): Promise<string[]> {
  if (start === undefined || !isExt4(first, start)) return [`${name}: ${extent(differences)}`];
  const places = differences.map((at) => at - start);
  const [ours, theirs] = await Promise.all([first, second].map((disk) => filesAt(disk, start, places)));
  if (ours === undefined || theirs === undefined) {
    return [`${name}: ${extent(differences)}; install debugfs (from e2fsprogs) to see the file names`];
  }
  const files = new Map<string, number[]>();
  differences.forEach((at, index) => {
    const [owner, other] = [ours, theirs].map((names) => names.get(places[index]!)!) as [string, string];
    const file = owner === other ? owner : `${owner} in one, ${other} in the other`;
    files.set(file, [...(files.get(file) ?? []), at]);
  });
  return [...files].map(([file, found]) => `${name}: ${file}: ${extent(found)}`);
}

/** The number of blocks that differ, and the position of the first differing byte. */
function extent(differences: readonly number[]): string {
  const blocks = differences.length === 1 ? "1 block" : `${differences.length} blocks`;
  return `${blocks} of ${blockSize} bytes, from byte ${differences[0]} of the disk`;
}
