import { readdirSync, rmSync, type Stats, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../lib/workspace.ts";

/** What grows with every release; all else under work/cache/ is small. */
const kinds = ["packages", "appliance", "base", "initramfs"];

/** A running build may still want what was used this recently. */
const inUseMilliseconds = 3_600_000;

/** Notes that something of the cache was of use, for {@link trimCache}. */
export function markUsed(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // It has been deleted since, or is somebody else's: then its age is no matter of ours.
  }
}

/**
 * Deletes what was used longest ago until the cache is within its limit. What the last hour used stays in any case.
 * @returns how many bytes are free again
 */
export function trimCache(limitBytes: number, now = Date.now()): number {
  const items = kinds.flatMap((kind) => itemsIn(cacheFolder(kind)));
  let excess = items.reduce((sum, { bytes }) => sum + bytes, 0) - limitBytes;
  let freed = 0;
  for (const { file, bytes, usedAt } of items.sort((left, right) => left.usedAt - right.usedAt)) {
    if (excess <= 0 || now - usedAt < inUseMilliseconds) break;
    rmSync(file, { recursive: true, force: true });
    excess -= bytes;
    freed += bytes;
  }
  return freed;
}

interface Item {
  file: string;
  bytes: number;
  usedAt: number;
}

/** Files and folders of a cache; locks are not of it. Another process may be deleting some of them. */
function itemsIn(folder: string): Item[] {
  return readdirSync(folder)
    .filter((name) => !name.includes(".lock"))
    .flatMap((name) => {
      const file = path.join(folder, name);
      const status = statSync(file, { throwIfNoEntry: false });
      if (status === undefined) return [];
      return [
        { file, bytes: status.isDirectory() ? sizeOfFolder(file) : takes(status), usedAt: status.mtimeMs },
      ];
    });
}

function sizeOfFolder(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false }))
    .reduce((sum, status) => sum + (status === undefined ? 0 : takes(status)), 0);
}

/** What a file takes of the disk: less than its length, where it has holes. */
function takes({ blocks }: Stats): number {
  return blocks * 512;
}
