/** Keeps the caches within their size limit. */
import { readdirSync, rmSync, type Stats, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../lib/workspace.ts";

/** The caches that grow with every release. Everything else in work/cache/ is small. */
const kinds = ["packages", "appliance", "base", "initramfs"];

/** A running build may still need items that were used this recently. */
const inUseMilliseconds = 3_600_000;

/** Records that a cached item was used, for {@link trimCache}. */
export function markUsed(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // It has been deleted, or belongs to another user. Its age does not matter then.
  }
}

/**
 * Deletes the least recently used items until the cache is within its limit. Items used in the last hour always stay.
 * @returns how many bytes were freed
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

/** Files and folders of a cache, without its locks. Another process may be deleting some of them. */
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

/** The disk space that a file takes: less than its length if it has holes. */
function takes({ blocks }: Stats): number {
  return blocks * 512;
}
