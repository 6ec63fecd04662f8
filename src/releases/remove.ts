/** Commands that take images out of the ledger, in two steps. */
import { z } from "zod";
import { findEntry, imagesOf, label, newest, type LedgerImage } from "../configuration/ledger-edit.ts";
import { stateOf, type Entry } from "../configuration/ledger.ts";
import { isSelected } from "../configuration/select.ts";
import { check, ConfigError, readSource, suggest } from "../configuration/source.ts";
import { stages } from "../configuration/variant.ts";
import { pulumiJson } from "../stacks/pulumi-json.ts";
import type { Output } from "../lib/command.ts";
import { chosen, count, fail, open, save, type CommonOptions, type Session } from "./ledger-session.ts";
import { fromJson, read } from "./upstream.ts";

/** Marks images for removal, which unprotects them with the next `up`. */
export async function remove(name: string, options: CommonOptions): Promise<Output> {
  const session = open(options);
  const entry = findEntry(session.ledger, name);
  const images = chosen(session, entry);
  mark(session, entry, images);
  return save(session, [
    `${label(entry)}: ${count(images, entry, session)} marked. Next: \`up\`, then \`remove --finish ${label(entry)} --stacks NAME\`, then \`up\` deletes them`,
  ]);
}

function mark({ config, editor }: Session, entry: Entry, images: readonly LedgerImage[]): void {
  const keys = new Set(images.map(({ imageKey }) => imageKey));
  const marked = imagesOf(entry, config.dimensions).filter(
    (image) => keys.has(image.imageKey) || stateOf(entry, image.dimensions).removing,
  );
  editor.setFlag(entry, "removing", marked);
}

export interface FinishOptions extends CommonOptions {
  /** Stacks to ask for their state. */
  stacks?: string[];
  /** Files of `pulumi stack export`. */
  state?: string[];
}

/** Drops images that are marked, once no stack's state protects them any longer. */
export async function finishRemove(names: readonly string[], options: FinishOptions): Promise<Output> {
  const session = open(options);
  const { config, ledger, editor } = session;
  const entries =
    names.length > 0 ? [...new Set(names.map((name) => findEntry(ledger, name)))] : ledger.entries;
  const isMarked = (entry: Entry) => (image: LedgerImage) =>
    stateOf(entry, image.dimensions).removing && isSelected(image, options);
  const marked = entries
    .map((entry) => ({ entry, images: imagesOf(entry, config.dimensions).filter(isMarked(entry)) }))
    .filter(
      ({ entry, images }) =>
        images.length > 0 ||
        (names.length > 0 &&
          fail("entry-unmarked", label(entry), "has no such image that is marked: first `remove` and `up`")),
    );
  const states = [
    ...(await Promise.all(
      (options.state ?? []).map(async (file) => ({ from: file, text: (await read(file)).toString("utf8") })),
    )),
    ...(options.stacks ?? []).map((stack) => ({ from: stack, text: exportStack(stack) })),
  ];
  if (states.length === 0)
    fail(
      "usage",
      "--finish",
      "name the stacks that declare these images with --stacks, or exports of their state with --state",
    );
  const guarded = states.flatMap(({ from, text }) => protectedNames(text, from));
  const held = marked.flatMap(({ images }) =>
    images
      .map(({ imageKey, revision }) => `${imageKey}-r${revision}`)
      .filter((key) => guarded.some((name) => name === key || name.startsWith(`${key}-`))),
  );
  if (held.length > 0) {
    throw new ConfigError(
      held.map((key) => ({
        code: "entry-protected",
        file: "releases",
        path: key,
        message: "is still protected in a stack's state: run `up` first",
      })),
    );
  }
  for (const { entry, images } of [...marked].reverse()) editor.drop(entry, images);
  return save(
    session,
    marked.map(
      ({ entry, images }) =>
        `${label(entry)}: dropped ${count(images, entry, session)}; the next \`up\` deletes them`,
    ),
  );
}

/** An empty stack has no resources; what has no deployment is another file, and proves nothing. */
const exportSchema = z.object({
  deployment: z.object({
    resources: z.array(z.object({ urn: z.string(), protect: z.boolean().optional() })).default([]),
  }),
});

/** Names of protected resources in a stack's exported state. */
export function protectedNames(state: string, from: string): string[] {
  const result = exportSchema.safeParse(fromJson(state));
  if (!result.success)
    fail(
      "stack-export-invalid",
      from,
      "isn't the export of a stack's state, as `pulumi stack export` prints it",
    );
  const { deployment } = result.data!;
  return deployment.resources.filter(({ protect }) => protect).map(({ urn }) => urn.split("::").at(-1)!);
}

function exportStack(stack: string): string {
  try {
    return pulumiJson("stack", "export", "--stack", stack);
  } catch (error) {
    return fail("pulumi-failed", stack, `its state can't be exported: ${(error as Error).message}`);
  }
}

export const rules = [
  "edge-eol",
  "rc",
  "eol-unused-not-latest",
  "eol-not-latest",
  "unused-not-latest",
] as const;
export type PruneRule = (typeof rules)[number];

const launchedSchema = z.union([z.string(), z.record(z.string(), z.string())], {
  error: "expected a day, Never, or a map of regions to either",
});
type Launched = z.output<typeof launchedSchema>;
const liveSchema = z.record(z.string(), launchedSchema);

export interface PruneOptions extends CommonOptions {
  rule?: string[];
  /** Image name with revision to when it was last launched, or Never; or that per region. JSON or YAML. */
  live?: string;
  write?: boolean;
}

/** Proposes images to remove, each by the first rule that it meets; with `write` marks them, as `remove` does. */
export async function prune(options: PruneOptions): Promise<Output> {
  const session = open(options);
  const { config, ledger } = session;
  const wanted = options.rule ?? [...rules];
  const wrong = wanted.find((rule) => !(rules as readonly string[]).includes(rule));
  if (wrong !== undefined) fail("usage", "--rule", `unknown rule "${wrong}"${suggest(wrong, rules)}`);
  const launches = options.live === undefined ? {} : check(liveSchema, readSource(options.live));

  const all = ledger.entries.flatMap((entry) =>
    imagesOf(entry, config.dimensions).map((image) => ({ entry, image })),
  );
  const named = ({ image }: (typeof all)[number]) => `${image.imageKey}-r${image.revision}` in launches;
  const warnings =
    options.live === undefined || all.some(named)
      ? []
      : [
          `${options.live} names none of the ledger's images, which are named as 3.23.6-x86_64-bios-tiny-aws-r0`,
        ];
  const lines = new Map<string, typeof all>();
  for (const one of all) {
    lines.set(one.image.configKey, [...(lines.get(one.image.configKey) ?? []), one]);
  }
  const ruleFor = ({ entry, image }: (typeof all)[number]): PruneRule | undefined => {
    const past = entry.endOfLife <= options.today;
    const old = lines.get(image.configKey)!.some((other) => replaces(other, entry));
    const unused = isUnused(launches[`${image.imageKey}-r${image.revision}`]);
    const met: Record<PruneRule, boolean> = {
      "edge-eol": entry.version === "edge" && past,
      rc: entry.release.includes("_rc"),
      "eol-unused-not-latest": past && unused && old,
      "eol-not-latest": past && old,
      "unused-not-latest": unused && old,
    };
    return rules.find((rule) => wanted.includes(rule) && met[rule]);
  };

  const did: string[] = [];
  for (const entry of ledger.entries) {
    const found = all
      .filter(
        (one) =>
          one.entry === entry &&
          isSelected(one.image, options) &&
          !stateOf(entry, one.image.dimensions).removing,
      )
      .map((one) => ({ image: one.image, rule: ruleFor(one) }))
      .filter(({ rule }) => rule !== undefined);
    if (found.length === 0) continue;
    if (options.write)
      mark(
        session,
        entry,
        found.map(({ image }) => image),
      );
    for (const rule of rules) {
      const by = found.filter((one) => one.rule === rule);
      if (by.length > 0) did.push(`${label(entry)}: ${count(by, entry, session)}: ${rule}`);
    }
  }
  if (!options.write) {
    const end =
      did.length === 0
        ? "nothing to prune"
        : "nothing written; with --write these are marked as `remove` does";
    return { text: [...did, end].join("\n"), warnings };
  }
  return save(session, did, warnings);
}

/** Whether an image's entry takes the place of another: newer, brought at least as far, and there to stay. */
function replaces({ entry, image }: { entry: Entry; image: LedgerImage }, other: Entry): boolean {
  return (
    entry !== other &&
    newest([entry, other]) === entry &&
    stages.indexOf(entry.stage) >= stages.indexOf(other.stage) &&
    !stateOf(entry, image.dimensions).removing
  );
}

/** Only what is known to have been launched nowhere: an image that live data doesn't name may be in use. */
function isUnused(launched: Launched | undefined): boolean {
  const days = typeof launched === "object" ? Object.values(launched) : [launched];
  return days.length > 0 && days.every((day) => day === "Never");
}
