import { readdirSync, readFileSync } from "node:fs";

/** How often processes are looked at; each look takes some milliseconds of a processor. */
const everyMs = 200;
/** Of the times in /proc: Linux has had no other unit for programs for decades. */
const ticksPerSecond = 100;

/** What the processes of a session have used. Of what starts and ends between two looks, nothing is known. */
export interface Usage {
  /** The most memory that one process had, in MiB: the program, wherever there is much of anything. */
  largestMib: number;
  /** The most that the Pulumi CLI, the language host and the program had at once; what they share counts for each. */
  programMib: number;
  /** The same, with plugins and what those start. */
  allMib: number;
  /** Seconds of a processor, of all of them. */
  cpuSeconds: number;
}

/**
 * Watches the processes of a session, which a command that was started apart begins.
 * @returns ends it, with what was seen; undefined where the system doesn't tell, as outside of Linux
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
        // From the third field on: the second is the program's name, which may hold anything.
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
        if (Number(stat[3]) !== session) return [];
        const kib = Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        const cpuSeconds = (Number(stat[11]) + Number(stat[12])) / ticksPerSecond;
        return [{ pid, kib, cpuSeconds, isProgram: words.some(isOfCliOrProgram) }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}

/** A word of a command line that only the CLI, the host of Node programs, or such a program has. */
function isOfCliOrProgram(word: string): boolean {
  return /(^|\/)pulumi$|\/(pulumi-)?language-(host|nodejs)|\/pulumi\/cmd\/run\//.test(word);
}
