/** The frame that every program of this project runs in: how it prints, how it fails, and its exit code. */
import type { Command, CommanderError } from "commander";
import { BootstrapError } from "../bootstrap/report.mjs";
import { fullDiskError, UserError } from "./user-error.ts";

/** What a command for people prints. */
export interface Output {
  text: string;
  /** For people, apart from the text. */
  warnings: string[];
}

/** Whether stdout has its one document: a fault after it is told on stderr alone. */
let hasPrinted = false;

/** Prints what a command has found: the text on stdout, warnings on stderr. */
export function print({ text, warnings }: Output): void {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (text === "") return;
  hasPrinted = true;
  process.stdout.write(`${text}\n`);
}

/** A command's action that prints what `task` returns. */
export function printing<Arguments extends unknown[]>(
  task: (...args: Arguments) => Output | Promise<Output>,
): (...args: Arguments) => Promise<void> {
  return async (...args) => print(await task(...args));
}

/**
 * Runs a program to its end: reads its command line, does its work and prints what that returns. A fault that a person can
 * do something about ends it with exit code 1, its message on stderr, and no stack; a defect keeps its stack. With `--json`
 * stdout then has one document, `{code, message, where, hint}`, with `problems` where there are several.
 * @param program reads the command line; undefined for programs that programs call
 * @param work what it does, where the program's own actions do not do it
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
    // Commander has printed its own.
    if (!isCommanderError(thrown)) process.stderr.write(`${error?.text() ?? stackOf(thrown)}\n`);
    if (program !== undefined && !hasPrinted && isAskedForJson(program)) {
      const fault = error ?? new UserError("internal", stackOf(thrown).split("\n")[0]!);
      process.stdout.write(`${JSON.stringify(fault, null, 2)}\n`);
    }
  }
}

/** The fault as people and programs are told of it; undefined for a defect. */
export function userErrorOf(thrown: unknown, program?: Command): UserError | undefined {
  if (thrown instanceof UserError) return thrown;
  if (thrown instanceof BootstrapError) {
    const { code, what, hint, where } = thrown;
    return new UserError(code, what, hint, { where, cause: thrown });
  }
  if (isCommanderError(thrown)) {
    const called = program === undefined ? "" : calledCommand(program).name();
    const isHelp = thrown.code === "commander.help";
    const what = isHelp ? "no command is named" : thrown.message.replace(/^error: /, "");
    return new UserError("usage", what, "see --help", { where: called });
  }
  return fullDiskError(thrown);
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** A reader that has seen enough of a result, as `head` does, is no mistake; work that nobody follows any longer is not done. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE" && hasPrinted) process.exit();
  process.stderr.write(`${fullDiskError(error)?.text() ?? stackOf(error)}\n`);
  process.exit(1);
}

/** Commander would end the process by itself, before anything is told to programs. */
function throwUsageErrors(command: Command): void {
  command.exitOverride();
  for (const one of command.commands) throwUsageErrors(one);
}

function isCommanderError(thrown: unknown): thrown is CommanderError {
  return thrown instanceof Error && thrown.name === "CommanderError";
}

/** Words of the command line, but for those that are handed on to another program. */
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
