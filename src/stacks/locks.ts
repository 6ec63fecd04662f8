/** Whose lock may be cleared: that of a run which is gone. */
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import { UserError } from "../lib/user-error.ts";
import type { Lock } from "./file-backend.ts";

/**
 * Refuses locks of runs that are going, and without `force` those of runs on other machines, of which nothing can be seen from here.
 * @throws UserError that says whose lock it is, and since when
 */
export function requireGone(locks: readonly Lock[], stack: string, force: boolean): void {
  const running = locks.find((lock) => lock.hostname === os.hostname() && isPulumi(lock.pid));
  if (running !== undefined) {
    throw new UserError(
      "stack-locked",
      `a run of stack ${stack} is still going: process ${running.pid}, since ${running.timestamp}`,
      "wait for it, or end it with Ctrl-C or `kill -INT`; recover is for runs that are gone",
      { where: `stack ${stack}` },
    );
  }
  const foreign = locks.find((lock) => lock.hostname !== os.hostname());
  if (foreign !== undefined && !force) {
    throw new UserError(
      "stack-locked",
      `stack ${stack} is locked by ${foreign.username} on ${foreign.hostname}, process ${foreign.pid}, since ${foreign.timestamp}: whether that run is still going cannot be seen from here`,
      forceHint,
      { where: `stack ${stack}` },
    );
  }
}

/**
 * Refuses to go on where a run has begun while recover was at work, whosever it is.
 * @throws UserError that says which
 */
export function requireNobody([lock]: readonly Lock[], stack: string): void {
  if (lock === undefined) return;
  throw new UserError(
    "stack-locked",
    `a run of stack ${stack} has begun meanwhile: process ${lock.pid} of ${lock.username} on ${lock.hostname}`,
    "nothing of what it makes was deleted, and the state is left as that run has it: run recover again when it has ended",
    { where: `stack ${stack}` },
  );
}

export const forceHint =
  "see that the run is gone, for its images would be deleted under it; then add --force";

/** Whether a backend refused because somebody holds the stack: Pulumi's own words, and its service's. */
export const isLockRefusal = (said: string): boolean =>
  /stack is currently locked|[Aa]nother update is currently in progress/.test(said);

/** Whether that process is there and is a Pulumi, for numbers are used again. */
function isPulumi(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, "utf8").includes("pulumi");
}
