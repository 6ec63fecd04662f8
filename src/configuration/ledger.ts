/** The releases that the project stands behind: which images, at which revision, how far they are brought. */
import { resolve } from "node:path";
import { z } from "zod";
import { defined } from "../lib/defined.ts";
import { day, match, matches, word, type Match } from "./schema.ts";
import {
  check,
  ConfigError,
  formatPlace,
  problemAt,
  readSource,
  type Path,
  type Problem,
  type Source,
} from "./source.ts";
import { stages, type ImageState } from "./variant.ts";

const some = z
  .array(match.refine((rule) => Object.keys(rule).length > 0, { error: "expected at least one dimension" }))
  .min(1);
const flag = z.union([z.boolean(), some], { error: "expected true, false, or a list of images" }).optional();

const entrySchema = z.strictObject({
  release: word.describe("`3.23.6`, `3.24.0_rc1`, or for edge the day as YYYYMMDD"),
  date: day.describe("The release's own date"),
  revision: z.int().min(0).describe("Revision of the release's images, from 0"),
  stage: z.enum(stages).describe("How far the images are brought, where the stack's ceiling allows"),
  added: day.describe("When this entry was made"),
  endOfLife: day
    .optional()
    .describe("Where it differs from the version's, as edge's and release candidates' does"),
  releaseNotes: z.string().optional().describe("URL; where it differs from the version's"),
  images: z
    .array(match)
    .min(1)
    .describe(
      "The images, frozen when the entry was made: products of values, every dimension but version in each",
    ),
  retired: z
    .union([day, z.array(z.strictObject({ on: day, images: some })).min(1)], {
      error: "expected a date, or a list of {on: date, images: [...]}",
    })
    .optional()
    .describe("Deprecated from this day on; or some of the images"),
  withdraw: flag.describe("May go below publish again; or some of the images"),
  removing: flag.describe("About to be deleted; or some of the images"),
});

export const ledgerSchema = z
  .strictObject({
    versions: z
      .record(
        z.string(),
        z.strictObject({
          endOfLife: day.optional().describe("Day on which the version's support has ended"),
          releaseNotes: z.string().optional().describe("URL"),
          entries: z.array(entrySchema).describe("Oldest first"),
        }),
      )
      .describe("Alpine version to its entries"),
  })
  .meta({ title: "Ledger", description: "The releases that this project stands behind" });

type EntryData = z.output<typeof entrySchema>;

export interface Entry extends EntryData {
  version: string;
  endOfLife: string;
  /** Where it is in the ledger's file. */
  path: Path;
  /** The same for people. */
  place: string;
}

export interface Ledger {
  source: Source;
  versions: string[];
  entries: Entry[];
}

export const readLedger = (root: string, file: string): Ledger =>
  parseLedger(readSource(resolve(root, file), file));

export function parseLedger(source: Source): Ledger {
  const data = check(ledgerSchema, source);
  const problems: Problem[] = [];
  const entries = Object.entries(data.versions).flatMap(([version, { endOfLife, releaseNotes, entries }]) =>
    entries.map((entry, i): Entry => {
      const path = ["versions", version, "entries", i];
      const end = entry.endOfLife ?? endOfLife;
      const shape = releaseShape(version);
      if (!shape.test(entry.release)) {
        const expected = version === "edge" ? "a day as YYYYMMDD" : `${version}.N or ${version}.N_rcN`;
        problems.push(
          problemAt(
            source,
            "entry-release-invalid",
            [...path, "release"],
            `expected ${expected}, got "${entry.release}"`,
          ),
        );
      }
      if (end === undefined) {
        problems.push(
          problemAt(source, "value-missing", path, "neither this entry nor its version has an endOfLife"),
        );
      }
      const before = entries.slice(0, i).filter(({ release }) => release === entry.release);
      const last = Math.max(...before.map(({ revision }) => revision));
      if (before.length > 0 && entry.revision <= last) {
        const what = before.some(({ revision }) => revision === entry.revision)
          ? "is here twice"
          : "comes after a higher one";
        const message = `${entry.release} r${entry.revision} ${what}: revisions grow, and each is used once; the next is ${last + 1}`;
        problems.push(problemAt(source, "entry-revision-invalid", [...path, "revision"], message));
      }
      const notes = entry.releaseNotes ?? releaseNotes;
      const place = formatPlace(source.place(path));
      return {
        ...entry,
        version,
        path,
        place,
        endOfLife: end ?? "",
        ...defined({ releaseNotes: notes }),
      };
    }),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return { source, versions: Object.keys(data.versions), entries };
}

export function releaseShape(version: string): RegExp {
  return version === "edge"
    ? /^20\d{6}$/
    : new RegExp(`^${version.replaceAll(".", "\\.")}\\.\\d+(_rc\\d+)?$`);
}

/** Every combination of a block's values, the first dimension slowest. */
export function expand(block: Match, dimensions: readonly string[]): Record<string, string>[] {
  return dimensions.reduce<Record<string, string>[]>(
    (found, dimension) =>
      found.flatMap((one) =>
        [block[dimension] ?? []].flat().map((value) => ({ ...one, [dimension]: value })),
      ),
    [{}],
  );
}

/**
 * The fewest products that a greedy merge finds for these images; `expand` gives the images back.
 * Values keep the order in which they first come.
 */
export function compact(
  images: readonly Readonly<Record<string, string>>[],
  dimensions: readonly string[],
): Match[] {
  let blocks = images.map((image) => Object.fromEntries(dimensions.map((name) => [name, [image[name]!]])));
  for (const dimension of [...dimensions].reverse()) {
    const alike = new Map<string, (typeof blocks)[number]>();
    for (const block of blocks) {
      const rest = JSON.stringify(dimensions.filter((name) => name !== dimension).map((name) => block[name]));
      const known = alike.get(rest);
      if (known) known[dimension] = [...new Set([...known[dimension]!, ...block[dimension]!])];
      else alike.set(rest, { ...block });
    }
    blocks = [...alike.values()];
  }
  return blocks.map((block) =>
    Object.fromEntries(
      Object.entries(block).map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
    ),
  );
}

/** What the entry says about one of its images. */
export function stateOf(entry: Entry, image: Readonly<Record<string, string>>): ImageState {
  const holds = (flag: boolean | Match[] | undefined) =>
    Array.isArray(flag) ? flag.some((rule) => matches(rule, image)) : flag === true;
  const retired =
    typeof entry.retired === "string"
      ? entry.retired
      : entry.retired?.find(({ images }) => images.some((rule) => matches(rule, image)))?.on;
  return {
    stage: entry.stage,
    added: entry.added,
    ...defined({ retired }),
    withdraw: holds(entry.withdraw),
    removing: holds(entry.removing),
    place: entry.place,
  };
}

/** The entry's selections of single images, each with its path: every one of them must select something. */
export function selections(entry: Entry): { path: Path; rule: Match }[] {
  const list = (name: "withdraw" | "removing") => {
    const flag = entry[name];
    return Array.isArray(flag) ? flag.map((rule, i) => ({ path: [...entry.path, name, i], rule })) : [];
  };
  const retired = Array.isArray(entry.retired)
    ? entry.retired.flatMap(({ images }, i) =>
        images.map((rule, j) => ({ path: [...entry.path, "retired", i, "images", j], rule })),
      )
    : [];
  return [...retired, ...list("withdraw"), ...list("removing")];
}
