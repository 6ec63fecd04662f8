/** Decides whether a stack's lock may be cleared: only if its run is gone. */
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import { UserError } from "../lib/user-error.ts";
import type { Lock } from "./file-backend.ts";

/**
 * Refuses locks of active runs. Without `force`, also refuses locks of other machines, because their runs cannot be checked here.
 * @throws UserError with the owner and the time of the lock
 */
export function requireGone(locks: readonly Lock[], stack: string, force: boolean): void {
  const running = locks.find((lock) => lock.hostname === os.hostname() && isPulumi(lock.pid));
  if (running !== undefined) {
    throw new UserError(
      "stack-locked",
      `a run of stack ${stack} is still active: process ${running.pid}, since ${running.timestamp}`,
      "wait for it, or stop it with Ctrl-C or `kill -INT`; recover is only for runs that are gone",
      { where: `stack ${stack}` },
    );
  }
  const foreign = locks.find((lock) => lock.hostname !== os.hostname());
  if (foreign !== undefined && !force) {
    throw new UserError(
      "stack-locked",
      `stack ${stack} is locked by ${foreign.username} on ${foreign.hostname}, process ${foreign.pid}, since ${foreign.timestamp}; this machine cannot tell whether that run is still active`,
      forceHint,
      { where: `stack ${stack}` },
    );
  }
}

/**
 * Stops recover if a run of the stack has started in the meantime.
 * @throws UserError that names the run
 */
export function requireNobody([lock]: readonly Lock[], stack: string): void {
  if (lock === undefined) return;
  throw new UserError(
    "stack-locked",
    `a run of stack ${stack} started during recovery: process ${lock.pid} of ${lock.username} on ${lock.hostname}`,
    "recover has deleted nothing that the run makes, and has not touched its state: run recover again when it has ended",
    { where: `stack ${stack}` },
  );
}

export const forceHint =
  "make sure that the run is gone, because recover would delete its images; then add --force";

/** Whether a backend refused because the stack is locked, in the words of the Pulumi CLI or of Pulumi Cloud. */
export const isLockRefusal = (said: string): boolean =>
  /stack is currently locked|[Aa]nother update is currently in progress/.test(said);

/** Whether the process is running and is Pulumi: process ids are reused. */
function isPulumi(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, "utf8").includes("pulumi");
}
