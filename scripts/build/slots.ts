import { closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import lockfile from "proper-lockfile";
import { cacheFolder } from "../lib/workspace.ts";

/**
 * Runs `work` when one of this machine's build slots is free, over all processes: as many guests at once as the
 * stack's `build.slots` says. A slot whose holder was killed is free again after 15 seconds.
 */
export async function withBuildSlot<T>(slots: number, name: string, work: () => Promise<T>): Promise<T> {
  const release = await takeSlot(slots, name);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function takeSlot(slots: number, name: string): Promise<() => Promise<void>> {
  const folder = cacheFolder("slots");
  for (let tries = 0; ; tries += 1) {
    for (let slot = 0; slot < slots; slot += 1) {
      const file = path.join(folder, String(slot));
      mkdirSync(folder, { recursive: true });
      closeSync(openSync(file, "a"));
      try {
        return await lockfile.lock(file, { stale: 15_000, update: 5_000 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      }
    }
    if (tries === 0) process.stderr.write(`${name}: waiting for one of ${slots} build slots\n`);
    await sleep(1_000);
  }
}
