/** The processes of this machine, as Linux lists them in /proc. Other systems do not, so there the lists are empty. */
import { readdirSync, readFileSync } from "node:fs";

/** Unit of the times in /proc. On Linux, it has been the same for decades. */
const ticksPerSecond = 100;

/** A process that was running a moment ago. */
export interface RunningProcess {
  pid: number;
  /** The pid of the process that started it, or of the one that took it over. */
  parent: number;
  session: number;
  /** The program's name, cut after 15 characters: `qemu-system-x86`. */
  name: string;
  /** Processor time so far, in seconds. */
  cpuSeconds: number;
}

/** All processes, except those that end meanwhile. */
export function runningProcesses(): RunningProcess[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const line = readProcessFile(pid, "stat");
      return line === undefined ? [] : [readStat(line)];
    });
}

/**
 * Reads a process's file in /proc.
 * @returns undefined if the process has ended, or if this user may not read it
 */
export function readProcessFile(pid: number | string, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return undefined;
  }
}

/** A figure in KiB from a file such as `status`, `smaps_rollup` or `meminfo`; 0 if the file does not have it. */
export function kibOf(text: string | undefined, field: string): number {
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(text ?? "")?.[1] ?? 0);
}

/** The process with this pid and all that it started, directly or indirectly. */
export function treeOf<Process extends Pick<RunningProcess, "pid" | "parent">>(
  root: number,
  all: readonly Process[],
): Process[] {
  const tree = all.filter(({ pid }) => pid === root);
  for (const one of tree) tree.push(...all.filter(({ parent, pid }) => parent === one.pid && pid !== root));
  return tree;
}

/** Reads a process's `stat`. The program's name is in parentheses and may itself contain any character. */
export function readStat(line: string): RunningProcess {
  const [, pid, name, rest] = /^(\d+) \((.*)\) (.*)$/s.exec(line) ?? [];
  const fields = rest?.split(" ") ?? [];
  return {
    pid: Number(pid),
    parent: Number(fields[1]),
    session: Number(fields[3]),
    name: name ?? "",
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
  };
}
