/** Runs a Pulumi command in all stacks of a fleet. */
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { columns } from "../lib/table.ts";
import { UserError } from "../lib/user-error.ts";
import { runPulumiInForeground } from "../stacks/pulumi-cli.ts";
import { changesOf } from "./changes.ts";
import { fleetOf } from "./members.ts";
import { stackFileName } from "../configuration/settings.ts";

/** The result of a command in one stack. */
export interface StackRun {
  stack: string;
  /** The exit code; null if an interrupt kept the command from running. */
  code: number | null;
  seconds: number;
  /** What it did or would do, in Pulumi's counts. */
  changes: Record<string, number>;
}

/** Runs a Pulumi command in each stack of a fleet, one after the other. A failure in one stack does not stop the others. */
export async function runAll(
  template: string,
  args: readonly string[],
  { root, clouds, json = false }: { root: string; clouds: readonly CloudRules[]; json?: boolean },
): Promise<void> {
  const { members } = fleetOf(root, template, clouds);
  const unmade = members.filter(({ file }) => !existsSync(join(root, file)));
  if (unmade.length > 0 || members.length === 0) {
    const what = members.length === 0 ? `fleet ${template} has no stacks` : `${unmade[0]!.file} not found`;
    const code = members.length === 0 ? "fleet-empty" : "stack-file-missing";
    const where = unmade[0]?.file ?? stackFileName(template);
    throw new UserError(code, what, `run \`npm run fleet -- make ${template}\``, { where });
  }
  const named = args.find((arg) => arg === "-s" || /^--stack(=|$)/.test(arg));
  if (named !== undefined)
    throw new UserError("usage", `${named}: the command runs in every stack of the fleet`, "leave it out", {
      where: named,
    });
  const results: StackRun[] = [];
  let isInterrupted = false;
  process.on("SIGINT", () => (isInterrupted = true));
  process.on("SIGTERM", () => (isInterrupted = true));
  for (const { stack } of members) {
    if (isInterrupted) {
      results.push({ stack, code: null, seconds: 0, changes: {} });
      continue;
    }
    const shown = json ? process.stderr : process.stdout;
    shown.write(`\n== ${stack}: pulumi ${args.join(" ")}\n`);
    const begun = performance.now();
    let output = "";
    const code = await runPulumiInForeground(["-C", root, ...args, "--stack", stack], (text) => {
      output += text;
      shown.write(text);
    });
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    results.push({ stack, code, seconds, changes: changesOf(output) });
  }
  process.stdout.write(json ? `${JSON.stringify(results, null, 2)}\n` : `\n${summaryOf(results)}\n`);
  if (results.some(({ code }) => code !== 0)) process.exitCode = 1;
}

/** A line for each stack, and the total. */
export function summaryOf(results: readonly StackRun[]): string {
  const counts = (changes: Record<string, number>): string =>
    Object.entries(changes)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ");
  const sum: Record<string, number> = {};
  for (const { changes } of results) {
    for (const [what, count] of Object.entries(changes)) sum[what] = (sum[what] ?? 0) + count;
  }
  const failed = results.filter(({ code }) => code !== 0).length;
  const rows = results.map(({ stack, code, seconds, changes }) => [
    stack,
    code === null ? "not run" : code === 0 ? "ok" : `exit code ${code}`,
    `${seconds.toFixed(1)} s`,
    counts(changes),
  ]);
  const total = `${results.length} stack${results.length === 1 ? "" : "s"}: ${failed === 0 ? "all ok" : `${failed} not ok`}`;
  return [columns(rows), [total, counts(sum)].filter(Boolean).join("; ")].join("\n");
}
