/* global setInterval, clearInterval */
/** The bootstrap's output. It goes to stderr, because stdout belongs to the program that runs after it. */

/** An error that the user can act on, shown without a stack. */
export class BootstrapError extends Error {
  /** @override */
  name = "BootstrapError";

  /**
   * @param {import("../lib/error-codes.ts").ErrorCode} code
   * @param {string} what
   * @param {string} [remedy]
   * @param {{ where?: string }} [options] where the error is
   */
  constructor(code, what, remedy, options = {}) {
    super(remedy === undefined ? what : `${what}\n  → ${remedy}`);
    this.code = code;
    this.what = what;
    this.hint = remedy;
    this.where = options.where;
  }
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`bootstrap: ${line}\n`);
}

/**
 * Runs one step. Reports when it starts and how long it took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const start = Date.now();
  say(`${what} …`);
  const heartbeat = setInterval(() => say(`${what}: still running after ${seconds(start)}`), 60_000);
  heartbeat.unref();
  try {
    const result = await work();
    say(`${what}: done in ${seconds(start)}`);
    return result;
  } finally {
    clearInterval(heartbeat);
  }
}

/** @param {number} start */
function seconds(start) {
  const elapsed = (Date.now() - start) / 1000;
  return elapsed < 10 ? `${elapsed.toFixed(1)} s` : `${Math.round(elapsed)} s`;
}
