/** Watches a guest during its boot test, to fail early. */
import { type Guest, kernelPanic } from "../builder/qemu.ts";
import { SshError } from "./ssh.ts";

/** How often the console is checked. */
const watchMilliseconds = 500;

/** How long after the deadline to wait for a guest that answered and then stopped responding. */
const graceMilliseconds = 30_000;

/**
 * Watches for failures that a guest cannot recover from, so that the test need not wait for the deadline. On such a
 * failure, `fault` rejects with an SshError.
 * @param deadline by `performance.now()`
 */
export function watchGuest(
  guest: Pick<Guest, "ended">,
  consoleLog: string,
  deadline: number,
): { fault: Promise<never>; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const fault = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const panic = kernelPanic(consoleLog);
      if (panic !== undefined) reject(new SshError(`kernel panic: ${panic}`));
      if (performance.now() > deadline + graceMilliseconds)
        reject(new SshError("deadline exceeded: the guest stopped responding"));
    }, watchMilliseconds);
    guest.ended.then(({ exitCode, stderr }) => {
      const said = stderr === "" ? "" : `: ${stderr}`;
      reject(new SshError(`QEMU ended (exit code ${exitCode ?? "none: killed"}${said})`));
    }, reject);
  });
  // After the guest has answered, its end is not an error.
  fault.catch(() => {});
  return { fault, end: () => clearInterval(timer) };
}
