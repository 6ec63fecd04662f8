import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import path from "node:path";

/** The checkout's top folder. */
export const projectRoot = path.resolve(import.meta.dirname, "../..");

/** What programs make: caches, images, local storage, stack state. Git ignores it and it can be deleted at any time. */
export const workFolder = path.join(projectRoot, "work");

/** A folder under `work/cache/`, made when it is not there. Everything in it can be made again. */
export function cacheFolder(...names: string[]): string {
  const folder = path.join(workFolder, "cache", ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * A new empty folder for one process's unfinished files, under `work/tmp/`; a file gets its final name by a rename
 * out of it, so nothing half-made ever stands under a final name. Folders of processes that are gone are swept away:
 * a builder killed with -9 cannot clean up after itself, the next one does.
 */
export function scratchFolder(label: string): string {
  const parent = path.join(workFolder, "tmp");
  sweepScratchFolders();
  mkdirSync(parent, { recursive: true });
  // By its real name, which is the shorter one where work/ is a link: sockets in here have 104 bytes for their paths.
  const folder = path.join(realpathSync(parent), `${process.pid}-${label}-${randomBytes(3).toString("hex")}`);
  mkdirSync(folder);
  return folder;
}

/** Deletes the unfinished files of processes that are gone. @returns the names of the folders of those that are not */
export function sweepScratchFolders(): string[] {
  const parent = path.join(workFolder, "tmp");
  if (!existsSync(parent)) return [];
  return readdirSync(parent).filter((name) => {
    const owner = Number(/^(\d+)-/.exec(name)?.[1]);
    if (owner === process.pid || isRunning(owner)) return true;
    rmSync(path.join(parent, name), { recursive: true, force: true });
    return false;
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
