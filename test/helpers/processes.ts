/** Runs, finds and watches processes for tests. */
import { execFile, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program until it ends, with any exit code. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { ...options, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${program} did not exit`, { cause: error }));
    });
  });
}

/** Waits until something is true. Fails with `what` if it takes too long. */
export async function waitUntil(what: string, holds: () => boolean, seconds = 8): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`still not true after ${seconds} s: ${what}`);
    await sleep(20);
  }
}

/** Whether a process is running. A zombie is not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  }
}

/** The command line of a process. Empty once it has ended. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Other processes whose command line contains a text. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return isRunning(Number(pid)) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
      } catch {
        // It ended in the meantime.
        return false;
      }
    })
    .map(Number);
}

/** The id of a process that has ended. */
export function endedProcess(): number {
  return spawnSync("true").pid;
}
