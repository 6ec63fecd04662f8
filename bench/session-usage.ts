/** Measures the memory and CPU time of the processes of a session. */
import { kibOf, readProcessFile, runningProcesses } from "./processes.ts";

/** How often processes are sampled. Each sample takes some milliseconds of CPU time. */
const everyMs = 200;

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
  const seconds = new Map<number, number>();
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
  pid: number;
  kib: number;
  cpuSeconds: number;
  isProgram: boolean;
}

function processesOf(session: number): Seen[] {
  return runningProcesses()
    .filter((one) => one.session === session)
    .map(({ pid, cpuSeconds }) => ({
      pid,
      cpuSeconds,
      kib: kibOf(readProcessFile(pid, "status"), "VmRSS"),
      isProgram: (readProcessFile(pid, "cmdline") ?? "").split("\0").some(isOfCliOrProgram),
    }));
}

/** Whether a word in a command line identifies the CLI, the language host, or a Pulumi program. */
function isOfCliOrProgram(word: string): boolean {
  return /(^|\/)pulumi$|\/(pulumi-)?language-(host|nodejs)|\/pulumi\/cmd\/run\//.test(word);
}
