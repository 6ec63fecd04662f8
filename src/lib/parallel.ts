/** Runs parallel work with bounded memory. */

/**
 * Processes items with a number of workers. Each takes the next item when it has finished its last one, so memory holds one item
 * per worker. After an error, no new item is started, running ones are finished, and the first error is thrown.
 */
export async function inParallel<Item>(
  workers: number,
  items: AsyncGenerator<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const done = await Promise.allSettled(
    Array.from({ length: workers }, async () => {
      // An error that leaves the loop ends the source, and with it all other loops over it.
      for await (const item of items) await work(item);
    }),
  );
  const failed = done.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/**
 * Reuses buffers of one size. Without it, an upload would take about as much memory as its file before the garbage collector
 * frees the first buffer.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  /** A buffer with undefined content. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.size);
  }

  /** Returns a buffer to the pool. The caller must not use it again. */
  give(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}
