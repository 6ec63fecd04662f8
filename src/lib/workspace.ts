/** The folders that the project's programs work in. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import path from "node:path";

/** The top folder of the checkout. */
export const projectRoot = path.resolve(import.meta.dirname, "../..");

/** Files that programs make: caches, images, local storage, stack state. Git ignores the folder; it can be deleted at any time. */
export const workFolder = path.join(projectRoot, "work");

/** A folder under `work/cache/`, created if missing. Everything in it can be made again. */
export function cacheFolder(...names: string[]): string {
  const folder = path.join(workFolder, "cache", ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Creates an empty folder under `work/tmp/` for one process's unfinished files. A finished file is renamed out of it, so an
 * incomplete file never has a final name. A process killed with -9 cannot clean up, so a watchdog deletes its folders then, and
 * the next builder those whose watchdog was killed, too.
 */
export function scratchFolder(label: string): string {
  const parent = path.join(workFolder, "tmp");
  sweepScratchFolders();
  mkdirSync(parent, { recursive: true });
  startWatchdog(parent);
  // The real path is shorter if work/ is a link: the path of a socket in here is limited to 104 bytes.
  const folder = path.join(realpathSync(parent), `${process.pid}-${label}-${randomBytes(3).toString("hex")}`);
  mkdirSync(folder);
  return folder;
}

let hasWatchdog = false;

/** Starts a process that waits for this one to end, in whatever way, and then deletes its folders. */
function startWatchdog(parent: string): void {
  if (hasWatchdog) return;
  hasWatchdog = true;
  // Processes that this one had started may take a moment to end.
  const script = 'read -r _; rm -rf "$1"* || { sleep 1; rm -rf "$1"*; }';
  const watchdog = spawn("sh", ["-c", script, "scratch-watchdog", path.join(parent, `${process.pid}-`)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.unref();
  (watchdog.stdin as Socket).unref();
}

/** Deletes the unfinished files of ended processes. @returns the names of the folders of running ones */
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
