/** Measures the memory of a process and of all that it starts. */
import { readFileSync } from "node:fs";
import { kibOf, readProcessFile, runningProcesses, treeOf } from "./processes.ts";

/** How often processes are sampled. Each sample takes some milliseconds of CPU time. */
const everyMs = 200;

/** What a process tree used. A process that starts and ends between two samples is not seen. */
export interface TreeUsage {
  /**
   * Peak memory in MiB, of all processes at one time: private memory, and each process's share of what several have mapped
   * (PSS, of /proc/PID/smaps_rollup). Files in tmpfs belong to no process, so the growth of all tmpfs of the machine is
   * added. The page cache of files on disk does not count: the kernel can drop it.
   */
  peakMib: number;
}

/**
 * Watches a process and its descendants.
 * @param root the pid of the process
 * @returns a function that stops watching and returns the usage; undefined if nothing was seen: only Linux reports it
 */
export function watchTree(root: number): () => TreeUsage | undefined {
  const usage: TreeUsage = { peakMib: 0 };
  const tmpfsBefore = tmpfsKib();
  const look = (): void => {
    const tree = treeOf(root, runningProcesses());
    const processes = tree.reduce((sum, { pid }) => sum + ownKib(pid), 0);
    const tmpfs = Math.max(0, tmpfsKib() - tmpfsBefore);
    if (tree.length > 0) usage.peakMib = Math.max(usage.peakMib, (processes + tmpfs) / 1024);
  };
  look();
  const timer = setInterval(look, everyMs);
  return () => {
    clearInterval(timer);
    return usage.peakMib === 0 ? undefined : usage;
  };
}

/**
 * Memory of one process. What it maps of tmpfs is left out, because tmpfs is counted as a whole. Of another user's process only
 * the resident memory (RSS) is readable, which counts shared memory for each process.
 */
function ownKib(pid: number): number {
  const rollup = readProcessFile(pid, "smaps_rollup");
  if (rollup === undefined) return kibOf(readProcessFile(pid, "status"), "VmRSS");
  return kibOf(rollup, "Pss") - kibOf(rollup, "Pss_Shmem");
}

/** The size of all files in tmpfs, and of other shared memory. */
function tmpfsKib(): number {
  return process.platform === "linux" ? kibOf(readFileSync("/proc/meminfo", "utf8"), "Shmem") : 0;
}
