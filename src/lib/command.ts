/** Runs a program of this project: prints its result, reports its errors, and sets its exit code. */
import type { Command, CommanderError } from "commander";
import { BootstrapError } from "../bootstrap/report.mjs";
import { fullDiskError, UserError } from "./user-error.ts";

/** What a command prints. */
export interface Output {
  text: string;
  /** Printed on stderr, apart from the text. */
  warnings: string[];
}

/** Whether the result is on stdout already. If so, an error goes to stderr alone, because stdout holds one document. */
let hasPrinted = false;

/** Prints a command's result: the text on stdout, warnings on stderr. */
export function print({ text, warnings }: Output): void {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (text === "") return;
  hasPrinted = true;
  process.stdout.write(`${text}\n`);
}

/** Makes a command's action that prints what `task` returns. */
export function printing<Arguments extends unknown[]>(
  task: (...args: Arguments) => Output | Promise<Output>,
): (...args: Arguments) => Promise<void> {
  return async (...args) => print(await task(...args));
}

/**
 * Runs a program: parses its command line, does its work and prints the result. A UserError prints its message on stderr without
 * a stack trace, and sets exit code 1; a bug also prints its stack trace. With `--json`, stdout then has one document,
 * `{code, message, where, hint}`, with `problems` if there are several.
 * @param program parses the command line; undefined for programs that other programs call
 * @param work the program's work, if the actions of `program` do not do it
 */
export async function runCommand(
  program: Command | undefined,
  work?: () => Output | void | Promise<Output | void>,
): Promise<void> {
  try {
    if (program !== undefined) {
      process.stdout.on("error", endWithReader);
      throwUsageErrors(program);
      await program.parseAsync();
    }
    const output = await work?.();
    if (output !== undefined) print(output);
  } catch (thrown) {
    if (isCommanderError(thrown) && thrown.exitCode === 0) return;
    process.exitCode = 1;
    const error = userErrorOf(thrown, program);
    // Commander has already printed its own errors.
    if (!isCommanderError(thrown)) process.stderr.write(`${error?.text() ?? stackOf(thrown)}\n`);
    if (program !== undefined && !hasPrinted && isAskedForJson(program)) {
      const fault = error ?? new UserError("internal", stackOf(thrown).split("\n")[0]!);
      process.stdout.write(`${JSON.stringify(fault, null, 2)}\n`);
    }
  }
}

/** The error as a UserError, for people and programs; undefined for a bug. */
export function userErrorOf(thrown: unknown, program?: Command): UserError | undefined {
  if (thrown instanceof UserError) return thrown;
  if (thrown instanceof BootstrapError) {
    const { code, what, hint, where } = thrown;
    return new UserError(code, what, hint, { where, cause: thrown });
  }
  if (isCommanderError(thrown)) {
    const called = program === undefined ? "" : calledCommand(program).name();
    const isHelp = thrown.code === "commander.help";
    const what = isHelp ? "no command given" : thrown.message.replace(/^error: /, "");
    return new UserError("usage", what, "see --help", { where: called });
  }
  return fullDiskError(thrown);
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/**
 * Ends the program when the reader of stdout goes away. After the result is printed, that is no error: `head` has read enough.
 * Before that, the work stops with an error, because nobody follows it.
 */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE" && hasPrinted) process.exit();
  process.stderr.write(`${fullDiskError(error)?.text() ?? stackOf(error)}\n`);
  process.exit(1);
}

/** Makes Commander throw. It would exit on its own, before the error is printed as JSON. */
function throwUsageErrors(command: Command): void {
  command.exitOverride();
  for (const one of command.commands) throwUsageErrors(one);
}

function isCommanderError(thrown: unknown): thrown is CommanderError {
  return thrown instanceof Error && thrown.name === "CommanderError";
}

/** The words of the command line, without those that are passed on to another program. */
function ownWords(): string[] {
  const words = process.argv.slice(2);
  const end = words.indexOf("--");
  return end < 0 ? words : words.slice(0, end);
}

function calledCommand(program: Command): Command {
  const words = ownWords();
  return program.commands.find((command) => words.includes(command.name())) ?? program;
}

function isAskedForJson(program: Command): boolean {
  const isKnown = calledCommand(program).options.some(({ long }) => long === "--json");
  return isKnown && ownWords().includes("--json");
}
