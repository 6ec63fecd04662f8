/** Ends a step's process when Pulumi's engine is gone. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const checkMilliseconds = 1_000;

/**
 * Ends this process when the engine that waits for its result is gone. This process is a child of Pulumi's plugin, which notices
 * a killed engine only after minutes; until then, the build would go on for nothing. A watchdog ends QEMU together with this
 * process, and the next run deletes the unfinished files.
 */
export function endWithEngine(onGone: () => void = () => process.exit(1)): void {
  const plugin = process.ppid;
  const engine = parentOf(plugin);
  if (engine === undefined) return;
  const timer = setInterval(() => {
    if (process.ppid === plugin && parentOf(plugin) === engine) return;
    clearInterval(timer);
    onGone();
  }, checkMilliseconds);
  timer.unref();
}

/** The parent of a process, which is process 1 if its own parent has ended; undefined if the process is gone. */
export function parentOf(pid: number): number | undefined {
  try {
    const parent = Number(process.platform === "linux" ? parentInProc(pid) : parentByPs(pid));
    return Number.isInteger(parent) ? parent : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the parent from `PID (NAME) STATE PARENT …`; the name may contain anything. */
function parentInProc(pid: number): string | undefined {
  return /\) \S (\d+) [^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
}

function parentByPs(pid: number): string {
  return execFileSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" });
}
