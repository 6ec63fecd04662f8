/** Reads options of benchmarks. */
import { UserError } from "../src/lib/user-error.ts";
import type { BuildSettings } from "../src/builder/build-settings.ts";

/** Where a build runs its guest scripts. */
export type Isolation = NonNullable<BuildSettings["isolation"]>;

const isolations: readonly Isolation[] = ["auto", "vm", "namespace"];

/**
 * A whole number within limits.
 * @throws UserError that names the option
 */
export function between(minimum: number, maximum: number, option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= minimum && number <= maximum) return number;
  throw new UserError(
    "usage",
    `${option} ${text}: expected a whole number from ${minimum} to ${maximum}`,
    undefined,
    { where: option },
  );
}

/**
 * `vm,namespace` → the isolations, each once.
 * @throws UserError if one is unknown
 */
export function readIsolations(text: string): Isolation[] {
  const words = [...new Set(text.split(",").map((word) => word.trim()))];
  return words.map((word) => {
    const known = isolations.find((isolation) => isolation === word);
    if (known !== undefined) return known;
    throw new UserError(
      "usage",
      `--isolation ${text}: '${word}' is none of ${isolations.join(", ")}`,
      "name them with commas between: vm,namespace",
      { where: "--isolation" },
    );
  });
}
