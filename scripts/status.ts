/**
 * `npm run status`: how far each stack's images have come, by region, from the states in the backend and the ledger in
 * git. Asks no cloud: what was changed there by hand shows after `pulumi refresh`.
 *
 * Exit code 0: all is done; 2: something is pending; 1: a mistake.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import pLimit from "p-limit";
import { declaredBy } from "../src/configuration/index.ts";
import { idlePatterns, isSelected, type Selection } from "../src/configuration/select.ts";
import { readStackFile } from "../src/configuration/settings.ts";
import { ConfigError } from "../src/configuration/source.ts";
import { stages } from "../src/configuration/variant.ts";
import { groupBy } from "../src/lib/group-by.ts";
import { runCommand, type Output } from "../src/lib/command.ts";
import { columns } from "../src/lib/table.ts";
import { readState, stackNames, stateOf, type StateResource } from "../src/stacks/stacks.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { progressOf, type ImageProgress, type Regional } from "../src/status/progress.ts";

export interface StatusOptions extends Selection {
  root: string;
  /** All of the backend's without one. */
  stack?: string[];
  /** A file of `pulumi stack export` in place of each stack's state, in the same order. */
  state?: string[];
  json?: boolean;
}

/** The CLI runs as many at a time: each takes a second of a processor. */
const parallelExports = 2;

/** Something that is pending. */
const pendingCode = 2;

export async function status(options: StatusOptions): Promise<Output> {
  const { root, json, only = [], skip = [] } = options;
  if (options.state !== undefined && options.state.length !== options.stack?.length) {
    const message = "expected one export for each stack of --stack, in the same order";
    throw new ConfigError([{ code: "usage", file: "--state", path: "", message }]);
  }
  const named = options.stack ?? (await stackNames());
  const unknown = named.filter((stack) => !existsSync(join(root, `Pulumi.${stack}.yaml`)));
  if (options.stack !== undefined && unknown.length > 0) {
    throw new ConfigError(
      unknown.map((stack) => ({
        code: "stack-file-missing" as const,
        file: `Pulumi.${stack}.yaml`,
        path: "",
        message: "there is no such file",
      })),
    );
  }
  const limit = pLimit(parallelExports);
  const stacks = named.filter((stack) => !unknown.includes(stack));
  const all = await Promise.all(
    stacks.map((stack, index) =>
      limit(async () =>
        stackProgress(root, stack, await resourcesOf(stack, options.state?.[index]), { only, skip }),
      ),
    ),
  );
  const images = all.flatMap(({ images }) => images);
  const pending = images.some((image) => image.pending.length > 0);
  if (pending) process.exitCode = pendingCode;
  const warnings = unknown.map((stack) => `stack ${stack} has no Pulumi.${stack}.yaml here, and is left out`);
  const variants = all.flatMap(({ variants }) => variants);
  warnings.push(
    ...idlePatterns(variants, { only, skip }).map((pattern) => `no image has the word "${pattern}"`),
  );
  return { text: json ? JSON.stringify(images, null, 2) : statusText(images), warnings };
}

async function resourcesOf(stack: string, file: string | undefined): Promise<StateResource[]> {
  return file === undefined ? await stateOf(stack) : readState(readFileSync(file, "utf8"), file);
}

function stackProgress(
  root: string,
  stack: string,
  resources: readonly StateResource[],
  selection: Selection,
) {
  const settings = readStackFile(root, stack);
  const declared = declaredBy(root, settings);
  const chosen = new Set(
    declared.filter(({ variant }) => isSelected(variant, selection)).map(({ key }) => key),
  );
  const isAll = (selection.only ?? []).length + (selection.skip ?? []).length === 0;
  // Of what the ledger no longer has, no words are known.
  const images = progressOf(stack, declared, settings, resources).filter(
    ({ key, stage }) => chosen.has(key) || (isAll && stage === "none"),
  );
  return { images, variants: declared.map(({ variant }) => variant) };
}

function statusText(images: readonly ImageProgress[]): string {
  if (images.length === 0) return "no images";
  const yes = (value: boolean | undefined) => (value === undefined ? "" : value ? "yes" : "no");
  const counted = (value: Regional | undefined) => (value === undefined ? "" : `${value.there}/${value.of}`);
  const head = [
    "stack",
    "image",
    "stage",
    "built",
    "stored",
    "imported",
    "signed",
    "copies",
    "snapshots",
    "shared",
    "channel",
    "described",
    "",
  ];
  const rows = images.map((image) => [
    image.stack,
    image.key,
    image.stage,
    yes(image.built),
    yes(image.stored),
    yes(image.imported),
    yes(image.signed),
    counted(image.copies),
    counted(image.snapshots),
    counted(image.shared),
    counted(image.channel),
    yes(image.described),
    image.pending.length === 0 ? "" : `pending: ${shortened(image.pending)}`,
  ]);
  return [columns([head, ...rows]), ...bestEffortLines(images), summary(images)].join("\n");
}

/** A row stays a row: the regions' names are in `--json`. */
function shortened(pending: readonly string[]): string {
  const text = pending.join("; ");
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** Regions that may be missing, named apart: nothing waits for them. */
function bestEffortLines(images: readonly ImageProgress[]): string[] {
  const missing = images.flatMap(({ bestEffort }) => bestEffort);
  if (missing.length === 0) return [];
  const counts = [...groupBy(missing, (region) => region)].map(
    ([region, all]) => `${region} (${all.length})`,
  );
  return [`best effort, and missing something of that many images: ${counts.sort().join(", ")}`];
}

/** `24 images: 12 at release, 12 at import; 3 pending`. */
function summary(images: readonly ImageProgress[]): string {
  const by = groupBy(images, ({ stage }) => stage);
  const counts = [...stages, "none"]
    .filter((stage) => by.has(stage))
    .map((stage) => `${by.get(stage)!.length} at ${stage}`);
  const pending = images.filter((image) => image.pending.length > 0).length;
  const end = pending === 0 ? "nothing pending" : `${pending} pending`;
  return `${images.length} image${images.length === 1 ? "" : "s"}: ${counts.join(", ")}; ${end}`;
}

if (process.argv[1] === import.meta.filename) {
  const program = new Command("status")
    .description("How far the stacks' images have come, by their states. Exit code 2: something is pending.")
    .option("--stack <name...>", "these stacks; all of the backend's without")
    .option("--only <pattern...>", "images with all of these words of their key; globs too, or a whole key")
    .option("--skip <pattern...>", "but none with any of these")
    .option("--state <file...>", "exports in place of the stacks' states, in the order of --stack")
    .option("--json", "everything, as an array")
    .option("--root <dir>", "the project's folder", projectRoot);
  await runCommand(program, () => status(program.opts()));
}
