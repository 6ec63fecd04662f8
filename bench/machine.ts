/** What all benchmarks report about the machine and this process. */
import os from "node:os";
import path from "node:path";

/** Describes the machine on which the benchmark ran. */
export function machine(): string {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown CPU";
  const load = os.loadavg()[0]?.toFixed(1);
  const memory = (os.totalmem() / (1 << 30)).toFixed(0);
  return `${os.cpus().length} × ${cpu}, ${memory} GiB, ${os.platform()} ${os.release()}, load ${load}, ${path.basename(process.execPath)} ${process.version}`;
}

/** Peak memory of this process, in MiB. */
export function peakMib(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
