/**
 * `npm run picture`: a picture of a run, from what the run printed.
 *
 * Without `--from` it runs the Pulumi CLI itself, with the project's tools, and passes on what that prints.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { execa } from "execa";
import { runCommand, type Output } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { logPicture } from "../src/picture/log-picture.ts";
import { PulumiError } from "../src/stacks/pulumi-cli.ts";

interface Options {
  from?: string;
  save?: string;
  out: string;
  columns: string;
  title?: string;
}

/** Options that make a log of whole lines, in colours. The picture does not show them: they change nothing else. */
const linear = ["--non-interactive", "--color", "always"];

async function picture(words: readonly string[], options: Options): Promise<Output> {
  const args = words.length > 0 ? words : ["up", "--yes", "--skip-preview", "--stack", "dev"];
  const columns = Number(options.columns);
  if (!Number.isInteger(columns) || columns < 20) {
    throw new UserError("usage", `--columns takes a whole number from 20 on, not ${options.columns}`);
  }
  const log = options.from === undefined ? await runOf(args) : readLog(options.from);
  if (options.save !== undefined) writeFileSync(options.save, log);
  const command = `npm run pulumi -- ${args.join(" ")}`;
  const { svg, repeated } = logPicture(log, {
    command,
    columns,
    title: options.title ?? `What \`${command}\` prints`,
  });
  mkdirSync(path.dirname(path.resolve(options.out)), { recursive: true });
  writeFileSync(options.out, svg);
  const size = (svg.length / 1024).toFixed(1);
  return {
    text: `${options.out}: ${size} KiB, ${repeated} repeated progress lines left out`,
    warnings: [],
  };
}

/** Runs a command of the CLI. @returns what it printed, on both streams */
async function runOf(args: readonly string[]): Promise<string> {
  const words = [path.join(projectRoot, "scripts/pulumi.mjs"), ...args, ...linear];
  const run = execa(process.execPath, words, { all: true, reject: false, stdin: "ignore", cwd: projectRoot });
  run.all.pipe(process.stderr, { end: false });
  const { all, failed } = await run;
  if (failed) throw new PulumiError(args, "see what it printed above");
  return all;
}

function readLog(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const hint = "name a file that has what a command printed";
    throw new UserError("file-unreadable", `the log ${file} cannot be read`, hint, {
      where: file,
      cause: error,
    });
  }
}

const program = new Command("picture")
  .description(
    "A picture (SVG) of what a Pulumi command prints: `up --yes --skip-preview --stack dev` by default.",
  )
  .argument("[words...]", "the command, after --")
  .option("--from <file>", "run nothing: draw a saved log, of the command that the words name")
  .option("--save <file>", "keep the log")
  .option("--out <file>", "the picture", "docs/pictures/up.svg")
  .option("--columns <number>", "longer lines lose their middle", "110")
  .option("--title <text>", "what the picture shows, for people who do not see it");
await runCommand(program, () => picture(program.args, program.opts<Options>()));
