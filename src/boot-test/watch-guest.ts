import { type Guest, kernelPanic } from "../builder/qemu.ts";
import { SshError } from "./ssh.ts";

/** How often a console is looked at. */
const watchMilliseconds = 500;

/** A guest that answered may fall silent while it is asked: nothing is waited for longer than this after the deadline. */
const graceMilliseconds = 30_000;

/**
 * Looks for what no guest comes back from, for nobody should wait for the deadline then: `fault` rejects with it, an SshError.
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
        reject(new SshError("deadline passed while it was asked: it fell silent"));
    }, watchMilliseconds);
    guest.ended.then(({ exitCode, stderr }) => {
      const said = stderr === "" ? "" : `: ${stderr}`;
      reject(new SshError(`QEMU ended (exit code ${exitCode ?? "none: killed"}${said})`));
    }, reject);
  });
  // Once the guest has answered, its end is no fault any more.
  fault.catch(() => {});
  return { fault, end: () => clearInterval(timer) };
}
