/** The ledger: the releases that the project supports, with the images, revision and stage of each. */
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
  date: day.describe("Date of the Alpine release"),
  revision: z.int().min(0).describe("Revision of the release's images, from 0"),
  stage: z.enum(stages).describe("The stage that the images reach, up to the stack's ceiling"),
  added: day.describe("When this entry was added"),
  endOfLife: day.optional().describe("Overrides the version's date; edge and release candidates need it"),
  releaseNotes: z.string().optional().describe("URL; overrides the version's"),
  images: z
    .array(match)
    .min(1)
    .describe(
      "The images, fixed when the entry was added: products of values, each with every dimension except version",
    ),
  retired: z
    .union([day, z.array(z.strictObject({ on: day, images: some })).min(1)], {
      error: "expected a date, or a list of {on: date, images: [...]}",
    })
    .optional()
    .describe("Deprecated from this day on: a date for all images, or a list for some of them"),
  withdraw: flag.describe("May go below publish again: true for all images, or a list of some"),
  removing: flag.describe("About to be deleted: true for all images, or a list of some"),
});

export const ledgerSchema = z
  .strictObject({
    versions: z
      .record(
        z.string(),
        z.strictObject({
          endOfLife: day.optional().describe("First day without support for the version"),
          releaseNotes: z.string().optional().describe("URL"),
          entries: z.array(entrySchema).describe("Oldest first"),
        }),
      )
      .describe("Alpine version to its entries"),
  })
  .meta({ title: "Ledger", description: "The releases that this project supports" });

type EntryData = z.output<typeof entrySchema>;

export interface Entry extends EntryData {
  version: string;
  endOfLife: string;
  /** Its path in the ledger's file. */
  path: Path;
  /** The same as file, line and column, for messages. */
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
          ? "is listed twice"
          : "comes after a higher revision";
        const message = `${entry.release} r${entry.revision} ${what}: revisions must increase; the next is ${last + 1}`;
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

/** Every combination of a block's values; the last dimension varies fastest. */
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
 * Merges images into few products, greedily; `expand` returns the images again. Values keep the order in which they first occur.
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

/** The state of one of the entry's images. */
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

/** The entry's selections of images, each with its path. Each must select at least one image. */
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
