import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import lockfile from "proper-lockfile";

/**
 * Runs `work` while no other process on this machine holds the lock of that name; others wait. A holder that is
 * killed stops refreshing its lock, which is taken over after 15 seconds.
 * @param waits is called once where somebody else holds it
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

/** The same for work that ends elsewhere than it begins. @returns what gives the lock back; more than once does no harm */
export async function takeFileLock(file: string): Promise<() => Promise<void>> {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "", { flag: "a" });
  const release = await lockfile.lock(file, {
    stale,
    update: 5_000,
    // About an hour of waiting in half-second steps: whoever holds it has a deadline of its own.
    retries: { retries: 7_200, factor: 1, minTimeout: 500, maxTimeout: 500 },
    // The cache was deleted under a running build: whoever makes the same meanwhile makes the same bytes.
    onCompromised: (error) =>
      process.stderr.write(`going on without a lock that is gone: ${error.message}\n`),
  });
  let held = true;
  return async () => {
    if (!held) return;
    held = false;
    await release().catch(() => {});
  };
}
