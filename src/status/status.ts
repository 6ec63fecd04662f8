/** Shows the progress of each stack's images, by region. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pLimit from "p-limit";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { declaredBy } from "../configuration/index.ts";
import { idlePatterns, isSelected, type Selection } from "../configuration/select.ts";
import { readStackFile, stackFileName } from "../configuration/settings.ts";
import { ConfigError } from "../configuration/source.ts";
import { stages } from "../configuration/variant.ts";
import { groupBy } from "../lib/group-by.ts";
import type { Output } from "../lib/command.ts";
import { columns } from "../lib/table.ts";
import { stackNames } from "../stacks/stacks.ts";
import { exportState, parseState, resourcesOf, type StateResource } from "../stacks/state.ts";
import type { StatusCloud } from "./cloud-progress.ts";
import { progressOf, type ImageProgress, type Regional } from "./progress.ts";

export interface StatusOptions extends Selection {
  root: string;
  /** @default all stacks of the backend */
  stack?: string[];
  /** Stack exports to read instead of each stack's state, in the same order. */
  state?: string[];
  json?: boolean;
}

/** How many exports run at once: each takes a second of CPU time. */
const parallelExports = 2;

/** The exit code if something is pending. */
const pendingCode = 2;

type KnownCloud = CloudRules & StatusCloud;

/** The status of stacks as a table or as JSON. Sets exit code 2 if something is pending. */
export async function status(options: StatusOptions, clouds: readonly KnownCloud[]): Promise<Output> {
  const { root, json, only = [], skip = [] } = options;
  if (options.state !== undefined && options.state.length !== options.stack?.length) {
    const message = "expected one export per --stack, in the same order";
    throw new ConfigError([{ code: "usage", file: "--state", path: "", message }]);
  }
  const named = options.stack ?? (await stackNames());
  const unknown = named.filter((stack) => !existsSync(join(root, stackFileName(stack))));
  if (options.stack !== undefined && unknown.length > 0) {
    throw new ConfigError(
      unknown.map((stack) => ({
        code: "stack-file-missing" as const,
        file: stackFileName(stack),
        path: "",
        message: "file not found",
      })),
    );
  }
  const limit = pLimit(parallelExports);
  const stacks = named.filter((stack) => !unknown.includes(stack));
  const all = await Promise.all(
    stacks.map((stack, index) =>
      limit(async () =>
        stackProgress(
          root,
          stack,
          await stateResources(stack, options.state?.[index]),
          { only, skip },
          clouds,
        ),
      ),
    ),
  );
  const images = all.flatMap(({ images }) => images);
  const pending = images.some((image) => image.pending.length > 0);
  if (pending) process.exitCode = pendingCode;
  const warnings = unknown.map((stack) => `skipped stack ${stack}: ${stackFileName(stack)} not found`);
  const variants = all.flatMap(({ variants }) => variants);
  warnings.push(
    ...idlePatterns(variants, { only, skip }).map((pattern) => `no image has the word "${pattern}"`),
  );
  return { text: json ? JSON.stringify(images, null, 2) : statusText(images), warnings };
}

async function stateResources(stack: string, file: string | undefined): Promise<StateResource[]> {
  return resourcesOf(
    file === undefined ? await exportState(stack) : parseState(readFileSync(file, "utf8"), file),
  );
}

function stackProgress(
  root: string,
  stack: string,
  resources: readonly StateResource[],
  selection: Selection,
  clouds: readonly KnownCloud[],
) {
  const settings = readStackFile(root, stack, clouds);
  const declared = declaredBy(root, settings, clouds);
  const chosen = new Set(
    declared.filter(({ variant }) => isSelected(variant, selection)).map(({ key }) => key),
  );
  const isAll = (selection.only ?? []).length + (selection.skip ?? []).length === 0;
  // --only and --skip cannot match images that are no longer in the ledger, because their dimensions are unknown.
  const images = progressOf(stack, declared, settings, resources, clouds).filter(
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

/** Shortens the text to fit a row; `--json` has the names of all regions. */
function shortened(pending: readonly string[]): string {
  const text = pending.join("; ");
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** Missing best-effort regions, listed separately, because nothing waits for them. */
function bestEffortLines(images: readonly ImageProgress[]): string[] {
  const missing = images.flatMap(({ bestEffort }) => bestEffort);
  if (missing.length === 0) return [];
  const counts = [...groupBy(missing, (region) => region)].map(
    ([region, all]) => `${region} (${all.length})`,
  );
  return [`incomplete best-effort regions (number of images): ${counts.sort().join(", ")}`];
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
