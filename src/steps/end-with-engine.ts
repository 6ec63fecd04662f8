import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const checkMilliseconds = 1_000;

/**
 * Ends this process once the engine that wants its result is gone: Pulumi's plugin, whose child this is, notices a
 * killed engine only after minutes, and a guest would be built for nobody until then. With this process QEMU ends, by
 * its own watchdog, and the unfinished files are swept away by the next run.
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

/** The process that a process belongs to (the system's first one when its own parent has ended), if it is there. */
export function parentOf(pid: number): number | undefined {
  try {
    const parent = Number(process.platform === "linux" ? parentInProc(pid) : parentByPs(pid));
    return Number.isInteger(parent) ? parent : undefined;
  } catch {
    return undefined;
  }
}

/** From `PID (NAME) STATE PARENT …`, where the name may hold anything. */
function parentInProc(pid: number): string | undefined {
  return /\) \S (\d+) [^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
}

function parentByPs(pid: number): string {
  return execFileSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" });
}
