/** Makes a fleet from one template: a stack and its settings for each Alpine version. */
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, readSource } from "../configuration/source.ts";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import type { Output } from "../lib/command.ts";
import { columns } from "../lib/table.ts";
import { initStack, stackNames } from "../stacks/stacks.ts";
import { fleetOf, type Member } from "./members.ts";
import { checkTemplate, stackFileText, stateOfStackFile } from "./stack-file.ts";
import { stackFileName } from "../configuration/settings.ts";

export interface MakeOptions {
  root: string;
  /** The clouds that this program knows. */
  clouds: readonly CloudRules[];
  /** Also overwrites files that were edited by hand. */
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** The backend; tests replace it. */
export interface Backend {
  stackNames(): Promise<string[]>;
  initStack(stack: string, secretsProvider: string | undefined): Promise<void>;
}

/** Makes the missing stacks of a template, and updates their settings if the template has changed. */
export async function make(
  template: string,
  { root, clouds, force = false, dryRun = false, json = false }: MakeOptions,
  backend: Backend = { stackNames, initStack },
): Promise<Output> {
  const templateFile = stackFileName(template);
  const source = readSource(join(root, templateFile), templateFile, "stack-file-missing");
  checkTemplate(source);
  const { members, empty } = fleetOf(root, template, clouds);
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
      // Read the file again: `stack init` has written the encryption settings of the stack's secrets to it.
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
  const hint = `these files were edited by hand: move the edits you want to keep to ${template}, then use --force`;
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
    ...(members.length === 0 ? ["no version of the ledger has a release, so the fleet has no stacks"] : []),
    ...(empty.length === 0 ? [] : [`no stack for versions without a release: ${empty.join(", ")}`]),
    ...(stacks.includes(template)
      ? [`stack ${template} exists, too: it declares the same images as its fleet; keep one of them`]
      : []),
    ...left
      .filter((stack) => !known.includes(stack))
      .map(
        (stack) => `stack ${stack} exists, but the ledger has nothing for it: the fleet does not update it`,
      ),
  ];
}
