/**
 * Limits the memory of a process and its descendants. A control group would be stricter, but an ordinary user has one only
 * under systemd, and it would outlive a builder that is killed.
 */
import { textOf } from "./id-ranges.ts";

/** How often memory is measured. */
const intervalMilliseconds = 250;

/**
 * Calls `onExcess` once if the processes use more memory than allowed.
 * @returns how to stop, with a message if there was an excess
 */
export function watchMemory(
  pid: number,
  mostBytes: number,
  onExcess: () => void,
): { stop(): string | undefined } {
  let message: string | undefined;
  const timer = setInterval(() => {
    const bytes = residentBytes(pid);
    if (bytes <= mostBytes || message !== undefined) return;
    message = `its processes used ${Math.round(bytes / 2 ** 20)} MiB of memory, and may use ${Math.round(mostBytes / 2 ** 20)}`;
    onExcess();
  }, intervalMilliseconds);
  return {
    stop() {
      clearInterval(timer);
      return message;
    },
  };
}

/** Memory of a process and its descendants, in bytes. Pages that they share count once for each. */
export function residentBytes(pid: number): number {
  const own = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? "0";
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean);
  return Number(own) * 1024 + children.reduce((sum, child) => sum + residentBytes(Number(child)), 0);
}
