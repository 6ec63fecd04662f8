/**
 * Has that many workers take from one source, each the next item when it is done with its last: as many items are in memory as
 * there are workers. After a fault nothing new is begun, what has begun is ended, and the first fault is thrown.
 */
export async function inParallel<Item>(
  workers: number,
  items: AsyncGenerator<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const done = await Promise.allSettled(
    Array.from({ length: workers }, async () => {
      // Leaving the loop by an error ends the source, and so all other loops over it.
      for await (const item of items) await work(item);
    }),
  );
  const failed = done.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/**
 * Buffers of one size that are used again. Left to the garbage collector, an upload would take about as much memory as its
 * file before the first one is collected.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  /** With anything in it. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.size);
  }

  /** Who gives one back does not look at it again. */
  give(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}
