/** Measures several things in rounds. */
import type { Variant } from "../src/configuration/variant.ts";
import type { ErrorCode } from "../src/lib/error-codes.ts";
import { UserError } from "../src/lib/user-error.ts";
import type { Row, Run, What } from "./comparison-table.ts";

/** Something to measure in each round. */
export interface Task {
  rows: Row[];
  /** Measures once. @returns a run for each of the rows */
  measure: () => Promise<Run[]>;
}

/** Errors that say what a machine lacks. All others are failures. */
export const lacks: readonly ErrorCode[] = [
  "namespace-unavailable",
  "offline-kit-incomplete",
  "root-needed",
  "tool-missing",
];

/** A row without runs. @param reason why it will have none */
export function rowOf(
  owner: Row["owner"],
  builder: string,
  { imageKey }: Pick<Variant, "imageKey">,
  what: What,
  reason?: string,
): Row {
  return { owner, builder, image: imageKey, what, runs: [], ...(reason === undefined ? {} : { reason }) };
}

/** Gives rows the error as the reason why they have no figures. Any error but a UserError is thrown on. */
export function refuse(rows: readonly Row[], error: unknown): void {
  if (!(error instanceof UserError)) throw error;
  const reason = error.what.split("\n")[0]!;
  for (const row of rows) Object.assign(row, { reason, runs: [], failed: !lacks.includes(error.code) });
}

/**
 * Measures each task once per round, so that a load that changes meanwhile affects all of them. A task that fails is not tried again.
 * @returns the rows of all tasks, in order
 */
export async function runRounds(
  tasks: readonly Task[],
  rounds: number,
  tell: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Promise<Row[]> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const { rows, measure } of tasks.filter((task) =>
      task.rows.every((row) => row.reason === undefined),
    )) {
      try {
        const runs = await measure();
        rows.forEach((row, index) => row.runs.push(runs[index]!));
      } catch (error) {
        refuse(rows, error);
      }
      // The table is printed only at the end, possibly hours later.
      for (const { builder, image, what, runs, reason } of rows)
        tell(JSON.stringify({ round, builder, image, what, ...runs.at(-1), reason }));
    }
  }
  return tasks.flatMap(({ rows }) => rows);
}
