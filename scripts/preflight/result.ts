/** What preflight says, and how: one result for each thing it looked at. */
import { groupBy } from "../lib/group-by.ts";
import { columns } from "../lib/report.ts";

/** EC2's quota of public images in a region. */
export const publicImagesQuota = "L-0E3CBAB9";

export interface CheckResult {
  check:
    "account" | "regions" | "bucket" | "role" | "names" | "quota" | "block public access" | "end of life";
  /** A region, a bucket, a role, an entry of the ledger: what `found` is about. */
  where: string;
  /** An error would stop the run half-way; a warning is about what may be missing, or could not be looked at. */
  level: "ok" | "warning" | "error";
  found: string;
  /** What to do about it; none where all is well. */
  remedy?: string;
}

/** Results that differ only in their place, as those of 28 regions do, are one row. */
function grouped(results: readonly CheckResult[]): { result: CheckResult; places: string[] }[] {
  const alike = ({ check, level, found, remedy }: CheckResult) =>
    JSON.stringify([check, level, found, remedy]);
  return [...groupBy(results, alike).values()].map((group) => ({
    result: group[0]!,
    places: group.map(({ where }) => where),
  }));
}

/** All of a problem's places are named, of what is well the number. */
function placesText(places: readonly string[], level: CheckResult["level"]): string {
  const [first = ""] = places;
  if (level === "ok" && places.length > 2) return `${first} and ${places.length - 1} more`;
  return places.join(", ");
}

/** A row for each result, and below it what to do. */
export function resultTable(results: readonly CheckResult[]): string {
  const rows = grouped(results).map(({ result, places }) => ({
    result,
    place: placesText(places, result.level),
  }));
  const table = columns(rows.map(({ result, place }) => [result.level, result.check, place, result.found]));
  return table
    .split("\n")
    .flatMap((line, index) => {
      const remedy = rows[index]?.result.remedy;
      return remedy === undefined ? [line] : [line, `         → ${remedy}`];
    })
    .join("\n");
}

/** The problems alone, for a message: what, where, what to do. */
export function problemText(results: readonly CheckResult[]): string {
  return grouped(results.filter(({ level }) => level !== "ok"))
    .map(({ result: { check, level, found, remedy }, places }) => {
      const hint = remedy === undefined ? "" : `\n  → ${remedy}`;
      return `${check}: ${placesText(places, level)}: ${found}${hint}`;
    })
    .join("\n");
}

export const errorsOf = (results: readonly CheckResult[]): CheckResult[] =>
  results.filter(({ level }) => level === "error");

/** `2 errors, 1 warning`; empty where there are none. */
export function countText(results: readonly CheckResult[]): string {
  const count = (level: CheckResult["level"]) => results.filter((one) => one.level === level).length;
  return (["error", "warning"] as const)
    .filter((level) => count(level) > 0)
    .map((level) => `${count(level)} ${level}${count(level) === 1 ? "" : "s"}`)
    .join(", ");
}
