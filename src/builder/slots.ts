/** Limits how many guests run at once, across all processes. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import lockfile from "proper-lockfile";
import { cacheFolder } from "../lib/workspace.ts";

/** A number, or `auto`: as many as this machine can handle. */
export type Slots = number | "auto";

/** Memory of a guest and its QEMU. Guests with disks larger than 600 MiB need more. */
const guestBytes = 2 * 2 ** 30;

/** After this long without a refresh, a ticket's holder is assumed to be dead. */
const staleMilliseconds = 15_000;

/**
 * Runs `work` when one of this checkout's build slots is free, first come, first served across all processes. The
 * stack's `build.slots` sets how many there are. If a holder is killed, its slot becomes free after 15 seconds.
 */
export async function withBuildSlot<T>(slots: Slots, name: string, work: () => Promise<T>): Promise<T> {
  const count = slots === "auto" ? slotsOf(os.availableParallelism(), os.totalmem()) : slots;
  const queue = cacheFolder("slots");
  const ticket = await takeTicket(queue);
  try {
    await turn(queue, ticket.number, count, name);
    return await work();
  } finally {
    await ticket.release();
  }
}

/** One guest per core, using at most half of the memory. */
export function slotsOf(cores: number, memoryBytes: number): number {
  return Math.max(1, Math.min(cores, Math.floor(memoryBytes / 2 / guestBytes)));
}

/**
 * Takes a ticket: a lock with the next number, held while waiting and while working. A holder may work when fewer than
 * `slots` tickets are ahead of its own.
 */
async function takeTicket(queue: string): Promise<{ number: number; release: () => Promise<void> }> {
  for (;;) {
    mkdirSync(queue, { recursive: true });
    const number = Math.max(0, ...ticketNumbers(queue)) + 1;
    try {
      const unlock = await lockfile.lock(ticketFile(queue, number), {
        realpath: false,
        stale: staleMilliseconds,
        update: staleMilliseconds / 3,
        // The cache was deleted. At worst, one guest too many runs for a while.
        onCompromised: () => {},
      });
      return { number, release: () => unlock().catch(() => {}) };
    } catch (error) {
      // Another process took this number first, or the folder was just deleted.
      if (!["ELOCKED", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

async function turn(queue: string, number: number, slots: number, name: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const before = await Promise.all(
      ticketNumbers(queue)
        .filter((other) => other < number)
        .map((other) => isHeld(ticketFile(queue, other))),
    );
    const ahead = before.filter(Boolean).length;
    if (ahead < slots) return;
    if (tries === 0) {
      const waiting = ahead === slots ? "" : ` (${ahead - slots} ahead)`;
      process.stderr.write(`${name}: waiting for one of ${slots} build slots${waiting}\n`);
    }
    await sleep(500);
  }
}

async function isHeld(file: string): Promise<boolean> {
  const held = await lockfile.check(file, { realpath: false, stale: staleMilliseconds });
  if (!held) rmSync(`${file}.lock`, { recursive: true, force: true });
  return held;
}

function ticketNumbers(queue: string): number[] {
  // The cache may be deleted at any time.
  const names = existsSync(queue) ? readdirSync(queue) : [];
  return names.flatMap((name) => Number(/^(\d+)\.lock$/.exec(name)?.[1] ?? []));
}

function ticketFile(queue: string, number: number): string {
  return path.join(queue, String(number));
}
