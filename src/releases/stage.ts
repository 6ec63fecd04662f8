/** Commands that list entries and change the stage of their images. */
import { findEntry, imagesOf, label, type LedgerImage } from "../configuration/ledger-edit.ts";
import { stateOf } from "../configuration/ledger.ts";
import { isDay } from "../configuration/schema.ts";
import { stages, type Stage } from "../configuration/variant.ts";
import type { Output } from "../lib/command.ts";
import { columns } from "../lib/table.ts";
import { chosen, count, dayAfter, fail, open, save, type CommonOptions } from "./ledger-session.ts";

export function list(options: CommonOptions): Output {
  const session = open(options);
  const rows = session.ledger.entries.map((entry) => {
    const images = imagesOf(entry, session.config.dimensions);
    const states = images.map(({ dimensions }) => stateOf(entry, dimensions));
    const some = (name: string, found: number) =>
      found === 0 ? "" : found === images.length ? name : `${found} ${name}`;
    const remarks = [
      entry.endOfLife <= options.today ? "end of life" : "",
      some("retired", states.filter(({ retired }) => retired !== undefined).length),
      some("withdraw", states.filter(({ withdraw }) => withdraw).length),
      some("removing", states.filter(({ removing }) => removing).length),
    ].filter(Boolean);
    return [
      label(entry),
      entry.stage,
      entry.date,
      entry.added,
      entry.endOfLife,
      images.length,
      remarks.join(", "),
    ];
  });
  const head = ["entry", "stage", "date", "added", "end of life", "images", ""];
  return { text: columns([head, ...rows]), warnings: [] };
}

/** Raises an entry's stage: to the next one, or to the one given. */
export async function promote(name: string, options: CommonOptions & { to?: Stage }): Promise<Output> {
  const session = open(options);
  const entry = findEntry(session.ledger, name);
  const now = stages.indexOf(entry.stage);
  const to = options.to ?? stages[now + 1] ?? entry.stage;
  if (stages.indexOf(to) < now) {
    fail(
      "entry-stage-conflict",
      label(entry),
      `is at ${entry.stage}, above ${to}: to lower the stage, use \`withdraw ${label(entry)} --to ${to}\``,
    );
  }
  if (to === entry.stage) return save(session, []);
  session.editor.setStage(entry, to);
  session.editor.setFlag(entry, "withdraw", []);
  return save(session, [`${label(entry)}: ${entry.stage} → ${to}`]);
}

/** Lets images go below publish, in two steps: a mark, with which the next `up` removes their protection, then the stage. */
export async function withdraw(name: string, options: CommonOptions & { to?: Stage }): Promise<Output> {
  const session = open(options);
  const entry = findEntry(session.ledger, name);
  const { to } = options;
  const published = stages.indexOf(entry.stage) >= stages.indexOf("publish");
  const images = imagesOf(entry, session.config.dimensions);
  if (to === undefined) {
    const marked = images.filter(({ dimensions }) => stateOf(entry, dimensions).withdraw);
    const more = [
      ...new Set([
        ...marked.map(({ imageKey }) => imageKey),
        ...chosen(session, entry).map(({ imageKey }) => imageKey),
      ]),
    ];
    session.editor.setFlag(
      entry,
      "withdraw",
      images.filter(({ imageKey }) => more.includes(imageKey)),
    );
    return save(session, [
      `${label(entry)}: ${count(more, entry, session)} may go below publish. Next: \`up\`, then \`withdraw ${label(entry)} --to STAGE\`, then \`up\``,
    ]);
  }
  if (stages.indexOf(to) >= stages.indexOf(entry.stage))
    fail(
      "entry-stage-conflict",
      label(entry),
      `is at ${entry.stage}, not above ${to}: to raise the stage, use \`promote\``,
    );
  const below = stages.indexOf(to) < stages.indexOf("publish");
  if (published && below && !images.every(({ dimensions }) => stateOf(entry, dimensions).withdraw)) {
    fail(
      "entry-protected",
      label(entry),
      `is published, so its images are protected: first run \`withdraw ${label(entry)}\`, then \`up\``,
    );
  }
  session.editor.setStage(entry, to);
  return save(session, [`${label(entry)}: ${entry.stage} → ${to}`]);
}

/** Deprecates images from a day on; they stay, and stay protected. */
export async function retire(
  name: string,
  options: CommonOptions & { on?: string; undo?: boolean },
): Promise<Output> {
  const session = open(options);
  const entry = findEntry(session.ledger, name);
  const images = chosen(session, entry);
  const on = options.on ?? dayAfter(options.today);
  if (!isDay(on)) fail("usage", "--on", `expected a date as YYYY-MM-DD, got "${on}"`);
  if (on <= options.today)
    fail("retirement-date-refused", "--on", `${on} is not in the future: clouds refuse this date`);
  for (const { name, latestDeprecation } of options.clouds) {
    const last = latestDeprecation?.(entry.added);
    if (last === undefined || on <= last) continue;
    if (images.some(({ dimensions }) => dimensions.cloud === name)) {
      fail(
        "retirement-date-refused",
        "--on",
        `${on} is too long after ${label(entry)} was added: ${name} allows ${last} at the latest`,
      );
    }
  }
  const days = new Map<LedgerImage, string>();
  for (const image of imagesOf(entry, session.config.dimensions)) {
    const picked = images.some(({ imageKey }) => imageKey === image.imageKey);
    const before = stateOf(entry, image.dimensions).retired;
    const day = picked ? (options.undo ? undefined : on) : before;
    if (day !== undefined) days.set(image, day);
  }
  session.editor.setRetired(entry, days);
  const what = options.undo ? "no longer retired" : `retired from ${on} on`;
  return save(session, [`${label(entry)}: ${count(images, entry, session)} ${what}`]);
}
