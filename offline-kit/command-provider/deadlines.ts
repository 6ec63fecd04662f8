/** Ends operations when their time is up or the engine cancels them all. */
export class Deadlines {
  private readonly running = new Set<AbortController>();
  private cancelled = false;

  /** Runs `operation` with a signal that aborts after `seconds` (0: never) or on `cancelAll`. */
  public async within<T>(seconds: number, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.running.add(controller);
    if (this.cancelled) controller.abort();
    // Fractions of a second don't count, as in the real provider.
    const milliseconds = Math.trunc(seconds) * 1000;
    const timer = seconds === 0 ? undefined : setTimeout(() => controller.abort(), milliseconds);
    try {
      return await operation(controller.signal);
    } finally {
      clearTimeout(timer);
      this.running.delete(controller);
    }
  }

  /** Aborts what is running, and whatever is started from now on. */
  public cancelAll(): void {
    this.cancelled = true;
    for (const controller of this.running) controller.abort();
  }
}
