import os from "node:os";
import path from "node:path";
import Table from "cli-table3";

/** A measurement's figures, by what they are of. */
export type Row = Readonly<Record<string, string | number>>;

/** A line for each measurement. */
export function printRows(rows: readonly Row[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const table = new Table({ head: names, style: { head: [], border: [] } });
  for (const row of rows) table.push(names.map((name) => String(row[name] ?? "")));
  process.stdout.write(`${table.toString()}\n`);
}

/** A column for each measurement: for more figures than fit beside each other. */
export function printColumns(rows: readonly Row[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const table = new Table({ style: { head: [], border: [] } });
  for (const name of names) table.push({ [name]: rows.map((row) => String(row[name] ?? "")) });
  process.stdout.write(`${table.toString()}\n`);
}

/** On what it was measured. */
export function machine(): string {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown CPU";
  const load = os.loadavg()[0]?.toFixed(1);
  const memory = (os.totalmem() / (1 << 30)).toFixed(0);
  return `${os.cpus().length} × ${cpu}, ${memory} GiB, ${os.platform()} ${os.release()}, load ${load}, ${path.basename(process.execPath)} ${process.version}`;
}

/** The most memory that this process has had, in MiB. */
export function peakMib(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
