/** `npm run errors`: writes docs/errors.md from src/lib/error-codes.ts. */
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

<!-- Generated from src/lib/error-codes.ts by \`npm run errors\`: edit that file, then run the command. -->

Every error that a user can act on has a code. Codes are stable, but texts may change, so programs and tests should rely on
the code and the place.

A program prints the error on stderr, with \`→\` before the hint, and exits with code 1. With \`--json\`, it prints one document on
stdout instead of the result:

\`\`\`json
{
  "code": "unknown-key",
  "message": "unknown key; did you mean \\"title\\"?",
  "where": "configs/cloud/aws.yaml:1:1 tittle",
  "hint": null
}
\`\`\`

\`where\` is a place in a file (\`FILE:LINE:COLUMN\` and the path of the value), a resource, a URL, a region or an option. It is
null if there is no place. If there are several errors, \`problems\` lists them, each in the same form, and \`code\` is their code
if they all have the same one.
`;

/** The up-to-date page. */
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

/** Writes the page or, with `check`, only checks whether it is up to date. */
export async function errors({ check = false }: { check?: boolean }): Promise<Output> {
  const page = await errorsPage();
  const path = join(projectRoot, file);
  const isFresh = existsSync(path) && readFileSync(path, "utf8") === page;
  if (check && !isFresh) {
    const message = "is out of date with src/lib/error-codes.ts: run `npm run errors` and commit the result";
    throw new ConfigError([{ code: "generated-file-stale", file, path: "", message }]);
  }
  if (!isFresh) writeFileSync(path, page);
  return { text: `${file}: ${isFresh ? "up to date" : "written"}`, warnings: [] };
}

if (process.argv[1] === import.meta.filename) {
  const program = new Command("errors")
    .description("Writes docs/errors.md, the page of all error codes.")
    .option("--check", "only check whether it is up to date");
  await runCommand(program, () => errors(program.opts()));
}
