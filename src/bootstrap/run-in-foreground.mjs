/** Runs a program in the terminal's foreground and passes signals on to it. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Signals within this time count as one: a terminal and npm both forward the same Ctrl-C. */
const oneSignalMilliseconds = 500;

/**
 * Runs a program in the foreground and returns its exit code. It runs in a new session, so that it gets signals only
 * from here: exactly once, whether they come from the terminal, from npm, or directly to this process.
 * @param {string} program
 * @param {readonly string[]} arguments_
 * @param {NodeJS.ProcessEnv} env
 * @param {(text: string) => void} [onOutput] gets its standard output, which is then not shown
 * @returns {Promise<number>}
 */
export async function runInForeground(program, arguments_, env, onOutput) {
  const child = spawn(program, arguments_, {
    env,
    detached: true,
    stdio: ["inherit", onOutput === undefined ? "inherit" : "pipe", "inherit"],
  });
  if (onOutput !== undefined) child.stdout?.setEncoding("utf8").on("data", onOutput);
  const forwarding = forwardSignals(child);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      // Not before all that it printed has come.
      child.on("close", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    forwarding.stop();
  }
}

/** @param {import("node:child_process").ChildProcess} child */
function forwardSignals(child) {
  /** @type {Map<string, number>} */
  const last = new Map();
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    const now = Date.now();
    if (now - (last.get(signal) ?? -Infinity) < oneSignalMilliseconds) return;
    last.set(signal, now);
    child.kill(signal);
  };
  const suspend = () => {
    child.kill("SIGSTOP");
    process.kill(process.pid, "SIGSTOP");
  };
  const handlers = /** @type {[NodeJS.Signals, (signal: NodeJS.Signals) => void][]} */ ([
    ["SIGINT", forward],
    ["SIGTERM", forward],
    ["SIGHUP", forward],
    ["SIGQUIT", forward],
    ["SIGWINCH", () => child.kill("SIGWINCH")],
    ["SIGTSTP", suspend],
    ["SIGCONT", () => child.kill("SIGCONT")],
  ]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return { stop: () => handlers.forEach(([signal, handler]) => process.off(signal, handler)) };
}
