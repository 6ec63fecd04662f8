/** The emulator's files, which any process reads, changes and writes as a whole under a lock. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import pLimit, { type LimitFunction } from "p-limit";
import lockfile from "proper-lockfile";
import { writeFileAtomically } from "../../../src/lib/atomic-file.ts";
import { readIfThere } from "./settings.ts";

const queues = new Map<string, LimitFunction>();

/** This process queues its own calls before it competes with other processes for the file. */
function queueOf(file: string): LimitFunction {
  const queue = queues.get(file) ?? pLimit(1);
  queues.set(file, queue);
  return queue;
}

/** A lock is held for about a millisecond. A lock that a killed process left is taken over after two seconds. */
const lockOptions: lockfile.LockOptions = {
  realpath: false,
  stale: 2000,
  update: 1000,
  // `forever`, because otherwise a table of all delays is made for each lock.
  retries: { forever: true, retries: 5, factor: 1, minTimeout: 2, maxTimeout: 10, randomize: true },
};

export function readJson<T>(file: string, empty: () => T): T {
  const text = readIfThere(file);
  return text === undefined ? empty() : (JSON.parse(text) as T);
}

/** Lets `change` alter the content, and writes it if it changed. If `change` throws, nothing changes. */
export async function transaction<T, R>(file: string, empty: () => T, change: (content: T) => R): Promise<R> {
  return await queueOf(file)(async () => {
    mkdirSync(dirname(file), { recursive: true });
    const release = await lockfile.lock(file, lockOptions);
    try {
      const before = readIfThere(file);
      const content = before === undefined ? empty() : (JSON.parse(before) as T);
      const result = change(content);
      const after = `${JSON.stringify(content, null, 1)}\n`;
      if (after !== before) writeFileAtomically(file, after);
      return result;
    } finally {
      await release();
    }
  });
}
