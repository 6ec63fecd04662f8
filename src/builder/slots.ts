import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import lockfile from "proper-lockfile";
import { cacheFolder } from "../lib/workspace.ts";

/** A number, or as many as this machine carries. */
export type Slots = number | "auto";

/** What a guest that builds or boots takes, with its QEMU; one of a disk of more than 600 MiB takes more. */
const guestBytes = 2 * 2 ** 30;

/** Of a holder that was killed: nobody refreshes its ticket any more. */
const staleMilliseconds = 15_000;

/**
 * Runs `work` when one of this checkout's build slots is free, over all processes: as many guests at once as the
 * stack's `build.slots` says, in the order in which they asked. A slot whose holder was killed is free again after 15
 * seconds.
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

/** A guest keeps a core busy; half of the memory is left to everything else. */
export function slotsOf(cores: number, memoryBytes: number): number {
  return Math.max(1, Math.min(cores, Math.floor(memoryBytes / 2 / guestBytes)));
}

/**
 * Tickets are locks with rising numbers, kept while waiting and while working: whoever has fewer than `slots` tickets
 * before its own may work.
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
        // Somebody has deleted the cache: at worst, one guest more runs for a while.
        onCompromised: () => {},
      });
      return { number, release: () => unlock().catch(() => {}) };
    } catch (error) {
      // Another process was quicker, or its ticket was the last and the folder is being cleaned up.
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
      const waiting = ahead === slots ? "" : ` (before it: ${ahead - slots})`;
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
