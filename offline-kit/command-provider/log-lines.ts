/** Passes a command's output to the engine's log line by line, with the real provider's limit. */

/** The longest line, including its newline, that the real provider's scanner accepts. */
const longestLine = 64 * 1024;

/**
 * Splits what is written to it into lines. After 64 KiB without a newline, the real provider's scanner stops reading,
 * and later writes block forever: `write` then returns a promise that never settles.
 */
export class LineLog {
  private pending: Buffer = Buffer.alloc(0);
  private stopped = false;
  private readonly onLine: (line: string) => Promise<void>;

  public constructor(onLine: (line: string) => Promise<void>) {
    this.onLine = onLine;
  }

  public async write(chunk: Buffer): Promise<void> {
    if (this.stopped) return await new Promise(() => undefined);
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const end = this.pending.indexOf(0x0a);
      if (end === -1 || end >= longestLine) break;
      await this.take(this.pending.subarray(0, end), end + 1);
    }
    if (this.pending.length >= longestLine) {
      this.stopped = true;
      if (this.pending.length > longestLine) return await new Promise(() => undefined);
    }
  }

  /** Logs the last line, which may have no newline. */
  public async end(): Promise<void> {
    if (!this.stopped && this.pending.length > 0) await this.take(this.pending, this.pending.length);
  }

  private async take(line: Buffer, length: number): Promise<void> {
    const text = line.toString("utf8").replace(/\r$/, "");
    this.pending = this.pending.subarray(length);
    await this.onLine(text);
  }
}
