/** Locks between processes on this machine. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import lockfile from "proper-lockfile";

/**
 * Runs `work` while holding a lock. Other processes on this machine wait for it. A killed process stops refreshing its lock, and
 * another process takes it over after 15 seconds.
 * @param waits called once if another process holds the lock
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>, waits?: () => void): Promise<T> {
  if (waits !== undefined && (await isHeld(file))) waits();
  const release = await takeFileLock(file);
  try {
    return await work();
  } finally {
    await release();
  }
}

const stale = 15_000;

const isHeld = async (file: string): Promise<boolean> => existsSync(file) && lockfile.check(file, { stale });

/** Takes a lock, for work that ends elsewhere. @returns a function that releases it, and may be called more than once */
export async function takeFileLock(file: string): Promise<() => Promise<void>> {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "", { flag: "a" });
  const release = await lockfile.lock(file, {
    stale,
    update: 5_000,
    // Waits about an hour, in half-second steps: every holder has a deadline of its own.
    retries: { retries: 7_200, factor: 1, minTimeout: 500, maxTimeout: 500 },
    // The cache was deleted during a build. If another process builds the same file now, it makes the same bytes.
    onCompromised: (error) => process.stderr.write(`continuing without a lost lock: ${error.message}\n`),
  });
  let held = true;
  return async () => {
    if (!held) return;
    held = false;
    await release().catch(() => {});
  };
}
