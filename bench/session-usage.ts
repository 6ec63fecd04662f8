/** Measures the memory and CPU time of the processes of a session. */
import { readdirSync, readFileSync } from "node:fs";

/** How often processes are sampled. Each sample takes some milliseconds of CPU time. */
const everyMs = 200;
/** Unit of the times in /proc. On Linux, it has been the same for decades. */
const ticksPerSecond = 100;

/** Resources that the processes of a session used, except processes that started and ended between two samples. */
export interface Usage {
  /** Peak memory of the largest process, in MiB. With many resources, that is the program. */
  largestMib: number;
  /** Peak memory of the Pulumi CLI, the language host and the program together. Shared memory counts for each. */
  programMib: number;
  /** The same, including plugins and the processes that they start. */
  allMib: number;
  /** CPU seconds of all processes. */
  cpuSeconds: number;
}

/**
 * Watches the processes of a session, which a detached command starts.
 * @returns a function that stops watching and returns the usage; undefined if the system doesn't report it (only Linux does)
 */
export function watchSession(session: number): () => Usage | undefined {
  const usage: Usage = { largestMib: 0, programMib: 0, allMib: 0, cpuSeconds: 0 };
  const seconds = new Map<string, number>();
  const look = (): void => {
    const processes = processesOf(session);
    const sum = (some: readonly Seen[]): number => some.reduce((total, { kib }) => total + kib, 0) / 1024;
    usage.largestMib = Math.max(usage.largestMib, ...processes.map((one) => sum([one])));
    usage.allMib = Math.max(usage.allMib, sum(processes));
    usage.programMib = Math.max(usage.programMib, sum(processes.filter(({ isProgram }) => isProgram)));
    for (const { pid, cpuSeconds } of processes) seconds.set(pid, cpuSeconds);
  };
  const timer = setInterval(look, everyMs);
  return () => {
    clearInterval(timer);
    usage.cpuSeconds = [...seconds.values()].reduce((total, one) => total + one, 0);
    return usage.allMib === 0 ? undefined : usage;
  };
}

interface Seen {
  pid: string;
  kib: number;
  cpuSeconds: number;
  isProgram: boolean;
}

function processesOf(session: number): Seen[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        // Skips the first two fields: the second is the program's name, which may contain anything.
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
        if (Number(stat[3]) !== session) return [];
        const kib = Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        const cpuSeconds = (Number(stat[11]) + Number(stat[12])) / ticksPerSecond;
        return [{ pid, kib, cpuSeconds, isProgram: words.some(isOfCliOrProgram) }];
      } catch {
        // The process ended in the meantime.
        return [];
      }
    });
}

/** Whether a word in a command line identifies the CLI, the language host, or a Pulumi program. */
function isOfCliOrProgram(word: string): boolean {
  return /(^|\/)pulumi$|\/(pulumi-)?language-(host|nodejs)|\/pulumi\/cmd\/run\//.test(word);
}
