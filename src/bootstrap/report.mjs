/* global setInterval, clearInterval */
/** What the bootstrap says. It goes to stderr: stdout belongs to the program that is started afterwards. */

/** A fault the user can do something about; shown without a stack. */
export class BootstrapError extends Error {
  /** @override */
  name = "BootstrapError";

  /**
   * @param {import("../lib/error-codes.ts").ErrorCode} code
   * @param {string} what
   * @param {string} [remedy]
   * @param {{ where?: string }} [options] where the fault is
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
 * Runs one step; says that it starts, and how long it took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const start = Date.now();
  say(`${what} …`);
  const heartbeat = setInterval(() => say(`${what}: still at it after ${seconds(start)}`), 60_000);
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
