/** `npm run errors`: docs/errors.md from src/lib/error-codes.ts. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { format, resolveConfig } from "prettier";
import { ConfigError } from "../src/configuration/source.ts";
import { runCommand, type Output } from "../src/lib/command.ts";
import { errorCodes } from "../src/lib/error-codes.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const file = "docs/errors.md";

const introduction = `# Errors

<!-- Made from src/lib/error-codes.ts by \`npm run errors\`: edit that file, and run it. -->

Every fault that a person can do something about has a code. Codes stay as they are; the texts beside them may change, so
programs and tests go by the code and by the place.

A program says what is wrong on stderr, with \`→\` before what to do, and ends with exit code 1. With \`--json\`, stdout has one
document in place of the result:

\`\`\`json
{
  "code": "unknown-key",
  "message": "unknown key; did you mean \\"title\\"?",
  "where": "configs/cloud/aws.yaml:1:1 tittle",
  "hint": null
}
\`\`\`

\`where\` is a place in a file (\`FILE:LINE:COLUMN\`, and the path of the value in it), a resource, a URL, a region, or an option;
null where there is none to name. Several mistakes are told at once: then \`problems\` lists them, each in the same form, and
\`code\` is theirs where they are all of one kind.
`;

/** The page as it should be. */
export async function errorsPage(): Promise<string> {
  const parts = Object.entries(errorCodes).map(([subject, codes]) => {
    const rows = Object.entries<string>(codes).map(([code, text]) => {
      const [meaning = "", remedy = ""] = text.split(" → ");
      return `| \`${code}\` | ${meaning} | ${remedy} |`;
    });
    return `## ${subject}\n\n| Code | Meaning | What to do |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  const style = (await resolveConfig(join(projectRoot, file))) ?? {};
  return await format([introduction, ...parts].join("\n"), { ...style, parser: "markdown" });
}

/** Writes the page, or with `check` only tells whether it is fresh. */
export async function errors({ check = false }: { check?: boolean }): Promise<Output> {
  const page = await errorsPage();
  const path = join(projectRoot, file);
  const isFresh = existsSync(path) && readFileSync(path, "utf8") === page;
  if (check && !isFresh) {
    const message = "is not what src/lib/error-codes.ts says: run `npm run errors` and commit the result";
    throw new ConfigError([{ code: "generated-file-stale", file, path: "", message }]);
  }
  if (!isFresh) writeFileSync(path, page);
  return { text: `${file}: ${isFresh ? "fresh" : "written"}`, warnings: [] };
}

if (process.argv[1] === import.meta.filename) {
  const program = new Command("errors")
    .description("The page of all error codes, docs/errors.md.")
    .option("--check", "only tell whether it is fresh");
  await runCommand(program, () => errors(program.opts()));
}
