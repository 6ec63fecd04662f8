/** Commands that remove images from the ledger, in two steps. */
import { z } from "zod";
import { findEntry, imagesOf, label, newest, type LedgerImage } from "../configuration/ledger-edit.ts";
import { stateOf, type Entry } from "../configuration/ledger.ts";
import { isSelected } from "../configuration/select.ts";
import { check, ConfigError, readSource, suggest } from "../configuration/source.ts";
import { keyOf, stages } from "../configuration/variant.ts";
import type { Output } from "../lib/command.ts";
import { exportState, findState, nameOf, resourcesOf, type StackState } from "../stacks/state.ts";
import { chosen, count, fail, open, save, type CommonOptions, type Session } from "./ledger-session.ts";
import { read } from "./upstream.ts";

/** Marks images for removal. The next `up` removes their protection. */
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
  /** Stacks whose state is exported. */
  stacks?: string[];
  /** Stack exports: files from `pulumi stack export`. */
  state?: string[];
}

/** The command `remove`. Marks one entry's images, or with `finish` drops the marked images of these entries, or of all. */
export async function removeOrFinish(
  names: readonly string[],
  options: FinishOptions & { finish?: boolean },
): Promise<Output> {
  if (options.finish) return finishRemove(names, options);
  const [name, ...more] = names;
  if (name === undefined || more.length > 0)
    return fail("usage", "remove", "name one entry, for example 3.23.6-r0");
  return remove(name, options);
}

/** Drops marked images that no stack's state protects any longer. */
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
          fail("entry-unmarked", label(entry), "none of its images is marked: run `remove`, then `up`")),
    );
  const states = await statesOf(options);
  if (states.length === 0)
    fail(
      "usage",
      "--finish",
      "name the stacks that declare these images with --stacks, or their exports with --state",
    );
  const guarded = states.flatMap(protectedNames);
  const held = marked.flatMap(({ images }) =>
    images.map(keyOf).filter((key) => guarded.some((name) => name === key || name.startsWith(`${key}-`))),
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

async function statesOf({ state: files = [], stacks = [] }: FinishOptions): Promise<StackState[]> {
  const states: StackState[] = [];
  for (const file of files) {
    const state = findState((await read(file)).toString("utf8"));
    states.push(
      state ??
        fail("stack-export-invalid", file, "is not a stack export: make one with `pulumi stack export`"),
    );
  }
  for (const stack of stacks) {
    const refuse = (error: Error): never =>
      fail("pulumi-failed", stack, `its state cannot be exported: ${error.message}`);
    states.push(await exportState(stack).catch(refuse));
  }
  return states;
}

/** Names of protected resources in a stack's state. */
export function protectedNames(state: StackState): string[] {
  return resourcesOf(state)
    .filter(({ protect }) => protect)
    .map(({ urn }) => nameOf(urn));
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
  /** JSON or YAML file: image key with revision to the day when it was last launched, or Never; or a map of regions to that. */
  live?: string;
  write?: boolean;
}

/** An image of the ledger, and its entry. */
interface EntryImage {
  entry: Entry;
  image: LedgerImage;
}

/** Lists images to remove, each with the first rule that applies. With `write`, marks them like `remove`. */
export async function prune(options: PruneOptions): Promise<Output> {
  const session = open(options);
  const { config, ledger } = session;
  const wanted = options.rule ?? [...rules];
  const wrong = wanted.find((rule) => !(rules as readonly string[]).includes(rule));
  if (wrong !== undefined) fail("usage", "--rule", `unknown rule "${wrong}"${suggest(wrong, rules)}`);
  const launches = options.live === undefined ? {} : check(liveSchema, readSource(options.live));

  const all = ledger.entries.flatMap((entry) =>
    imagesOf(entry, config.dimensions).map((image): EntryImage => ({ entry, image })),
  );
  const warnings =
    options.live === undefined || all.some(({ image }) => keyOf(image) in launches)
      ? []
      : [
          `${options.live} names none of the ledger's images; expected names like 3.23.6-x86_64-bios-tiny-aws-r0`,
        ];
  const ruleFor = rulesFor(all, launches, wanted, options.today);
  const did = ledger.entries.flatMap((entry) => {
    const found = all
      .filter(
        (one) =>
          one.entry === entry &&
          isSelected(one.image, options) &&
          !stateOf(entry, one.image.dimensions).removing,
      )
      .map((one) => ({ image: one.image, rule: ruleFor(one) }))
      .filter(({ rule }) => rule !== undefined);
    const images = found.map(({ image }) => image);
    if (options.write && images.length > 0) mark(session, entry, images);
    return rules.flatMap((rule) => {
      const by = found.filter((one) => one.rule === rule);
      return by.length > 0 ? `${label(entry)}: ${count(by, entry, session)}: ${rule}` : [];
    });
  });
  if (options.write) return save(session, did, warnings);
  const end =
    did.length === 0 ? "nothing to prune" : "nothing written; --write marks these images like `remove`";
  return { text: [...did, end].join("\n"), warnings };
}

/** Finds the first of the wanted rules that applies to an image. */
function rulesFor(
  all: readonly EntryImage[],
  launches: Readonly<Record<string, Launched>>,
  wanted: readonly string[],
  today: string,
): (one: EntryImage) => PruneRule | undefined {
  const lines = new Map<string, EntryImage[]>();
  for (const one of all) {
    lines.set(one.image.configKey, [...(lines.get(one.image.configKey) ?? []), one]);
  }
  return ({ entry, image }) => {
    const past = entry.endOfLife <= today;
    const old = lines.get(image.configKey)!.some((other) => replaces(other, entry));
    const unused = isUnused(launches[keyOf(image)]);
    const met: Record<PruneRule, boolean> = {
      "edge-eol": entry.version === "edge" && past,
      rc: entry.release.includes("_rc"),
      "eol-unused-not-latest": past && unused && old,
      "eol-not-latest": past && old,
      "unused-not-latest": unused && old,
    };
    return rules.find((rule) => wanted.includes(rule) && met[rule]);
  };
}

/** Whether an image replaces one of another entry: it is newer, at least at the same stage, and not being removed. */
function replaces({ entry, image }: EntryImage, other: Entry): boolean {
  return (
    entry !== other &&
    newest([entry, other]) === entry &&
    stages.indexOf(entry.stage) >= stages.indexOf(other.stage) &&
    !stateOf(entry, image.dimensions).removing
  );
}

/** Whether an image is known to be unused. An image that is missing from the live data may be in use. */
function isUnused(launched: Launched | undefined): boolean {
  const days = typeof launched === "object" ? Object.values(launched) : [launched];
  return days.length > 0 && days.every((day) => day === "Never");
}
