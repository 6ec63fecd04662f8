/** Aborts operations when they time out or the engine cancels all of them. */
export class Deadlines {
  private readonly running = new Set<AbortController>();
  private cancelled = false;

  /** Runs `operation` with a signal that aborts after `seconds` (0: never) or on `cancelAll`. */
  public async within<T>(seconds: number, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.running.add(controller);
    if (this.cancelled) controller.abort();
    // Ignores fractions of a second, like the real provider.
    const milliseconds = Math.trunc(seconds) * 1000;
    const timer = seconds === 0 ? undefined : setTimeout(() => controller.abort(), milliseconds);
    try {
      return await operation(controller.signal);
    } finally {
      clearTimeout(timer);
      this.running.delete(controller);
    }
  }

  /** Aborts all running operations, and any that are started later. */
  public cancelAll(): void {
    this.cancelled = true;
    for (const controller of this.running) controller.abort();
  }
}
