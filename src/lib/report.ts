/** What commands for people print, and how they end. */
import { ConfigError, formatProblem } from "../configuration/source.ts";
import { runMain } from "./user-error.ts";

export interface Output {
  text: string;
  /** For people, apart from the text. */
  warnings: string[];
}

/** Rows in aligned columns, numbers to the right. */
export function columns(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows.reduce<number[]>(
    (found, row) => row.map((cell, i) => Math.max(found[i] ?? 0, String(cell).length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          typeof cell === "number" ? String(cell).padStart(widths[i]!) : cell.padEnd(widths[i]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Prints what a command returns, or every mistake; the process's exit code says which. */
export async function run(command: () => Output | Promise<Output>): Promise<void> {
  // A reader that has seen enough, as `head` does, is no mistake.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  await runMain(async () => {
    try {
      const { text, warnings } = await command();
      for (const warning of warnings) console.error(`warning: ${warning}`);
      if (text !== "") console.log(text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) console.error(formatProblem(problem));
      console.error(
        `${error.problems.length} mistake${error.problems.length === 1 ? "" : "s"}; nothing was done.`,
      );
      process.exitCode = 1;
    }
  });
}
