/** Runs a command like the real provider, including its pitfalls. */
import { isUtf8 } from "node:buffer";
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, closeSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { status } from "@grpc/grpc-js";
import { globArchive, globAssets } from "./globs.ts";
import { endWords, goQuoted, systemErrorWords } from "./go-words.ts";
import type { BaseInputs } from "./inputs.ts";
import { LineLog } from "./log-lines.ts";
import { openPipes, openStdinPipe, streamOf, type Pipe } from "./pipes.ts";
import type { Properties } from "./property.ts";

/** A command's outputs: `stdout` and `stderr` and, with globs, `assets` and `archive`. */
export interface CommandOutputs extends Properties {
  stdout: string;
  stderr: string;
}

/**
 * Runs `command` and returns its outputs. Outputs that it doesn't set are kept from `previous`.
 * An abort kills the process started here, but not its children, and then still waits for the pipes to close.
 */
export async function execute(
  command: string,
  inputs: BaseInputs,
  previous: CommandOutputs,
  log: (line: string) => Promise<void>,
  signal: AbortSignal,
): Promise<CommandOutputs> {
  const directory = inputs.dir ?? process.cwd();
  const result = await runProcess(command, directory, inputs, previous, log, signal);
  if (result.failure !== undefined) {
    throw new Error(`${result.failure}: running ${goQuoted(command)}:\n${result.both}`);
  }
  return {
    ...previous,
    ...(inputs.assetPaths ? { assets: globAssets(directory, inputs.assetPaths) } : {}),
    ...(inputs.archivePaths ? { archive: globArchive(directory, inputs.archivePaths) } : {}),
    stdout: textOf(result.stdout),
    stderr: textOf(result.stderr),
  };
}

/** The output without its last newline. The real provider cannot return bytes that aren't UTF-8. */
function textOf(output: Buffer): string {
  if (!isUtf8(output)) {
    throw Object.assign(new Error("grpc: error while marshaling: string field contains invalid UTF-8"), {
      code: status.INTERNAL,
    });
  }
  return output.toString("utf8").replace(/\n$/, "");
}

interface ProcessResult {
  failure: string | undefined;
  stdout: Buffer;
  stderr: Buffer;
  both: string;
}

const none = Buffer.alloc(0);

async function runProcess(
  command: string,
  directory: string,
  inputs: BaseInputs,
  previous: CommandOutputs,
  log: (line: string) => Promise<void>,
  signal: AbortSignal,
): Promise<ProcessResult> {
  const failed = (failure: string): ProcessResult => ({ failure, stdout: none, stderr: none, both: "" });
  if (signal.aborted) return failed("context canceled");
  const interpreter = inputs.interpreter?.length ? inputs.interpreter : ["/bin/sh", "-c"];
  const [program = "", ...leading] = interpreter;
  const executable = program.includes("/") ? program : findOnPath(program);
  if (executable === undefined) return failed(`exec: "${program}": executable file not found in $PATH`);
  try {
    statSync(directory);
  } catch (error) {
    return failed(systemErrorWords("chdir", directory, error as NodeJS.ErrnoException));
  }

  const [stdout, stderr] = (await openPipes(2)) as [Pipe, Pipe];
  const stdin = inputs.stdin ? await openStdinPipe() : undefined;
  let child: ChildProcess;
  const ended = new Promise<string | undefined>((resolve) => {
    try {
      child = spawn(executable, [...leading, command], {
        argv0: program,
        cwd: directory,
        env: environmentFor(inputs, previous),
        stdio: [stdin?.readEnd ?? "ignore", stdout.writeEnd, stderr.writeEnd],
      });
      child.on("error", (error) => resolve(systemErrorWords("fork/exec", executable, error)));
      child.on("exit", (code, killedBy) => resolve(endWords(code, killedBy)));
    } catch (error) {
      resolve(systemErrorWords("fork/exec", executable, error as NodeJS.ErrnoException));
    }
  });
  [stdout.writeEnd, stderr.writeEnd].forEach((end) => closeSync(end));
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  if (stdin) {
    closeSync(stdin.readEnd);
    feed(stdin.writeEnd, inputs.stdin ?? "");
  }

  const lines = new LineLog(log);
  const all: Buffer[] = [];
  const [failure, out, err] = await Promise.all([
    ended,
    collect(stdout.readEnd, all, logs(inputs.logging, "stdout") ? lines : undefined),
    collect(stderr.readEnd, all, logs(inputs.logging, "stderr") ? lines : undefined),
  ]);
  signal.removeEventListener("abort", kill);
  await lines.end();
  return { failure, stdout: out, stderr: err, both: Buffer.concat(all).toString("utf8") };
}

/** Looks up a program on the provider's own PATH, not on the PATH in the command's `environment`. */
function findOnPath(program: string): string | undefined {
  const candidates = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((directory) => join(directory, program));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

function environmentFor(inputs: BaseInputs, previous: CommandOutputs): NodeJS.ProcessEnv {
  const environment = { ...process.env, ...inputs.environment };
  if (inputs.addPreviousOutputInEnv ?? true) {
    if (previous.stdout !== "") environment["PULUMI_COMMAND_STDOUT"] = previous.stdout;
    if (previous.stderr !== "") environment["PULUMI_COMMAND_STDERR"] = previous.stderr;
  }
  return environment;
}

function logs(logging: string | undefined, stream: "stdout" | "stderr"): boolean {
  return logging === undefined || logging === stream || logging === "stdoutAndStderr";
}

function feed(end: number, text: string): void {
  const stream = streamOf(end, "write");
  // A command may end without reading its input.
  stream.on("error", () => undefined);
  stream.end(text);
}

/** Reads a stream to its end in chunks. If the log blocks, so does reading, like in the real provider. */
async function collect(end: number, all: Buffer[], log: LineLog | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of streamOf(end, "read") as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    all.push(chunk);
    await log?.write(chunk);
  }
  return Buffer.concat(chunks);
}
