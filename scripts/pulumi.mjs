/**
 * `npm run pulumi -- ARGS`: bootstraps if necessary, then runs the Pulumi CLI with this project's tools.
 *
 * If no backend is configured, state is kept in work/pulumi, and stack `dev` has a default passphrase (see
 * bootstrap/environment.mjs). Everything else is left to Pulumi; the user's environment variables take precedence.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { bootstrap, withErrorsShown } from "./bootstrap.mjs";
import { pulumiEnvironment } from "./bootstrap/environment.mjs";

export { devPassphrase, ownBackendFolder, pulumiEnvironment } from "./bootstrap/environment.mjs";

/** Signals within this time count as one: a terminal and npm both forward the same Ctrl-C. */
const oneSignalMilliseconds = 500;

/**
 * The stack that a command line names, if any: `--stack NAME`, or the NAME of `stack init|select|rm NAME`.
 * @param {readonly string[]} arguments_
 * @returns {string | undefined}
 */
export function stackNamedBy(arguments_) {
  const [command, subcommand, name] = arguments_;
  for (const [index, argument] of arguments_.entries()) {
    if (argument === "--") break;
    if (argument === "--stack" || argument === "-s") return arguments_[index + 1];
    if (argument.startsWith("--stack=")) return argument.slice("--stack=".length);
  }
  const namesOne = command === "stack" && ["init", "select", "rm"].includes(subcommand ?? "");
  return namesOne && name !== undefined && !name.startsWith("-") ? name : undefined;
}

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
      // `close` comes after all output has arrived.
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

/**
 * Sets up what is missing and runs the Pulumi CLI.
 * @param {readonly string[]} arguments_
 * @returns {Promise<number>} the CLI's exit code
 */
export async function pulumi(arguments_) {
  const tools = await bootstrap();
  const stack = stackNamedBy(arguments_);
  const env = pulumiEnvironment({ tools, ...(stack === undefined ? {} : { stack }) });
  return await runInForeground(tools.pulumi.path, arguments_, env);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await withErrorsShown(async () => {
    process.exitCode = await pulumi(process.argv.slice(2));
  });
}
