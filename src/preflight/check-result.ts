/** The results of preflight, and how they are printed: one result per thing checked. */
import { groupBy } from "../lib/group-by.ts";
import { columns } from "../lib/table.ts";

export interface CheckResult {
  /** What was checked: `account`, `regions`, `quota`. */
  check: string;
  /** What `found` is about: a region, a bucket, a role, an entry of the ledger. */
  where: string;
  /** An error would stop the run half-way. A warning is about something that may be missing, or could not be checked. */
  level: "ok" | "warning" | "error";
  found: string;
  /** What to do about it; undefined if nothing is wrong. */
  remedy?: string;
}

/** Groups results that differ only in their place, such as those of 28 regions, for one row. */
function grouped(results: readonly CheckResult[]): { result: CheckResult; places: string[] }[] {
  const alike = ({ check, level, found, remedy }: CheckResult) =>
    JSON.stringify([check, level, found, remedy]);
  return [...groupBy(results, alike).values()].map((group) => ({
    result: group[0]!,
    places: group.map(({ where }) => where),
  }));
}

/** Keeps the cell narrow: of many places, the first and the number of others. */
function placesCell([first = "", ...others]: readonly string[]): string {
  return others.length < 2 ? [first, ...others].join(", ") : `${first} and ${others.length} more`;
}

/** Prints a row for each result. Below a problem's row come all of its places, and what to do. */
export function resultTable(results: readonly CheckResult[]): string {
  const groups = grouped(results);
  const rows = groups.map(({ result: { level, check, found }, places }) => [
    level,
    check,
    placesCell(places),
    found,
  ]);
  return columns(rows)
    .split("\n")
    .flatMap((line, index) => {
      const { result, places } = groups[index]!;
      const named = result.level !== "ok" && places.length > 2 ? [`         in ${places.join(", ")}`] : [];
      const hint = result.remedy === undefined ? [] : [`         → ${result.remedy}`];
      return [line, ...named, ...hint];
    })
    .join("\n");
}

/** The problems only, for an error message: what, where, what to do. */
export function problemText(results: readonly CheckResult[]): string {
  return grouped(results.filter(({ level }) => level !== "ok"))
    .map(({ result: { check, found, remedy }, places }) => {
      const hint = remedy === undefined ? "" : `\n  → ${remedy}`;
      return `${check}: ${places.join(", ")}: ${found}${hint}`;
    })
    .join("\n");
}

export const errorsOf = (results: readonly CheckResult[]): CheckResult[] =>
  results.filter(({ level }) => level === "error");

/** `2 errors, 1 warning`; empty if there are none. */
export function countText(results: readonly CheckResult[]): string {
  const count = (level: CheckResult["level"]) => results.filter((one) => one.level === level).length;
  return (["error", "warning"] as const)
    .filter((level) => count(level) > 0)
    .map((level) => `${count(level)} ${level}${count(level) === 1 ? "" : "s"}`)
    .join(", ");
}
