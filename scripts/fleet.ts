/**
 * `npm run fleet`: a stack for each Alpine version, from one template, and Pulumi's commands over all of them. One stack a version
 * keeps previews and states small, and a bad day local: see docs/benchmarks.md, "Scale".
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { ConfigError, readSource } from "../src/configuration/source.ts";
import { changesOf } from "../src/fleet/changes.ts";
import { fleetOf, type Member } from "../src/fleet/members.ts";
import { checkTemplate, stackFileText, stateOfStackFile } from "../src/fleet/stack-file.ts";
import { writeFileAtomically } from "../src/lib/atomic-file.ts";
import { print, printing, runCommand, type Output } from "../src/lib/command.ts";
import { columns } from "../src/lib/table.ts";
import { initStack, stackNames } from "../src/stacks/stacks.ts";
import { UserError } from "../src/lib/user-error.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { pulumiEnvironment, runInForeground } from "./pulumi.mjs";

export interface MakeOptions {
  root: string;
  /** Also over files that a person has changed. */
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** The backend; a test has another. */
export interface Backend {
  stackNames(): Promise<string[]>;
  initStack(stack: string, secretsProvider: string | undefined): Promise<void>;
}

/** Makes what is missing of a template's stacks, and their settings anew where the template has changed. */
export async function make(
  template: string,
  { root, force = false, dryRun = false, json = false }: MakeOptions,
  backend: Backend = { stackNames, initStack },
): Promise<Output> {
  const templateFile = `Pulumi.${template}.yaml`;
  const source = readSource(join(root, templateFile), templateFile, "stack-file-missing");
  checkTemplate(source);
  const { members, empty } = fleetOf(root, template);
  const stacks = await backend.stackNames();
  const plan = members.map((member) => {
    const path = join(root, member.file);
    const text = existsSync(path) ? readFileSync(path, "utf8") : undefined;
    return {
      ...member,
      found: stateOfStackFile(source, member.version, text),
      isThere: stacks.includes(member.stack),
    };
  });
  if (!force) refuseEdited(plan, templateFile);
  const rows = [];
  for (const { stack, version, file, found, isThere } of plan) {
    if (!isThere && !dryRun) {
      const provider = (source.data as { secretsprovider?: unknown }).secretsprovider;
      await backend.initStack(stack, typeof provider === "string" ? provider : undefined);
    }
    if (found.state !== "unchanged" && !dryRun) {
      // Read again: `stack init` has written there what the stack's secrets are encrypted by.
      const existing = existsSync(join(root, file)) ? readSource(join(root, file), file) : undefined;
      writeFileAtomically(join(root, file), stackFileText(source, version, existing));
    }
    const settings = { missing: "made", unchanged: "unchanged", outdated: "updated", edited: "overwritten" };
    rows.push({
      stack,
      version,
      file,
      stackState: isThere ? "there" : "made",
      settings: settings[found.state],
    });
  }
  const lines = rows.map((row) => [
    row.stack,
    `stack ${row.stackState}`,
    row.file,
    `settings ${row.settings}`,
  ]);
  const end = dryRun ? ["nothing was done: --dry-run"] : [];
  return {
    text: json ? JSON.stringify(rows, null, 2) : [columns(lines), ...end].join("\n"),
    warnings: warningsFor(template, members, empty, stacks),
  };
}

function refuseEdited(
  plan: readonly { file: string; found: ReturnType<typeof stateOfStackFile> }[],
  template: string,
): void {
  const problems = plan.flatMap(({ file, found }) =>
    found.state === "edited"
      ? found.differences.map((message) => ({ code: "stack-file-edited" as const, file, path: "", message }))
      : [],
  );
  if (problems.length === 0) return;
  const hint = `these were changed by hand: take what is right into ${template}, then --force`;
  throw new ConfigError([
    ...problems,
    { code: "stack-file-edited", file: template, path: "", message: hint },
  ]);
}

function warningsFor(
  template: string,
  members: readonly Member[],
  empty: readonly string[],
  stacks: readonly string[],
): string[] {
  const known = members.map(({ stack }) => stack);
  const left = stacks.filter((stack) => /-(\d+\.\d+|edge)$/.test(stack) && stack.startsWith(`${template}-`));
  return [
    ...(members.length === 0 ? ["the ledger has no release for a stack"] : []),
    ...(empty.length === 0 ? [] : [`no stack for what has no release yet: ${empty.join(", ")}`]),
    ...(stacks.includes(template)
      ? [`stack ${template} is there too: it and its fleet would declare the same images; keep one of them`]
      : []),
    ...left
      .filter((stack) => !known.includes(stack))
      .map((stack) => `stack ${stack} is there, and the ledger has nothing for it: nobody would update it`),
  ];
}

/** How a command went in one stack. */
export interface StackRun {
  stack: string;
  /** Exit code; null where it was not run, for somebody has interrupted. */
  code: number | null;
  seconds: number;
  /** What it did or would do, as Pulumi counts it. */
  changes: Record<string, number>;
}

/** Runs a Pulumi command in each stack of a fleet, one after the other; one that fails does not keep the others from it. */
export async function runAll(
  template: string,
  args: readonly string[],
  { root, json = false }: { root: string; json?: boolean },
): Promise<void> {
  const { members } = fleetOf(root, template);
  const unmade = members.filter(({ file }) => !existsSync(join(root, file)));
  if (unmade.length > 0 || members.length === 0) {
    const what = members.length === 0 ? `fleet ${template} has no stack` : `there is no ${unmade[0]!.file}`;
    const code = members.length === 0 ? "fleet-empty" : "stack-file-missing";
    throw new UserError(code, what, `npm run fleet -- make ${template}`, {
      where: unmade[0]?.file ?? `fleet ${template}`,
    });
  }
  const named = args.find((arg) => arg === "-s" || /^--stack(=|$)/.test(arg));
  if (named !== undefined)
    throw new UserError("usage", `${named}: every stack of the fleet is meant`, "leave it out", {
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
    const pulumiArgs = ["-C", root, ...args, "--stack", stack];
    const code = await runInForeground("pulumi", pulumiArgs, pulumiEnvironment({ stack }), (text) => {
      output += text;
      shown.write(text);
    });
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    results.push({ stack, code, seconds, changes: changesOf(output) });
  }
  print({ text: json ? JSON.stringify(results, null, 2) : `\n${summaryOf(results)}`, warnings: [] });
  if (results.some(({ code }) => code !== 0)) process.exitCode = 1;
}

/** A line for each stack, and the sum. */
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

if (process.argv[1] === import.meta.filename) {
  const program = new Command("npm run fleet --").description(
    "A stack for each Alpine version, all from one template, Pulumi.TEMPLATE.yaml.",
  );
  const command = (usage: string, description: string) =>
    program
      .command(usage)
      .description(description)
      .option("--json", "what was done, as an array", false)
      .option("--root <dir>", "the project's folder", projectRoot);
  command("make <template>", "makes the stacks that the ledger's versions ask for, and their settings")
    .option("--force", "overwrite settings that were changed by hand", false)
    .option("--dry-run", "only say what would be done", false)
    .action(printing((template: string, options: MakeOptions) => make(template, options)));
  command(
    "run <template> <command...>",
    "runs a Pulumi command in each stack; after --, as: run release -- preview",
  ).action((template: string, args: string[], options: { root: string; json: boolean }) =>
    runAll(template, args, options),
  );
  await runCommand(program);
}
