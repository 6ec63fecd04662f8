/** Starts the disk reader, and takes what it prints as untrusted. */
import { realpathSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { fromJson } from "../../lib/from-json.ts";
import { printable } from "../../lib/printable.ts";
import { UserError } from "../../lib/user-error.ts";
import { projectRoot } from "../../lib/workspace.ts";
import { type DiskFacts, readerOutput } from "./facts.ts";

const program = path.join(import.meta.dirname, "reader.ts");
const mostHeapMib = 512;
/** Characters. An image of today has half a million. */
const longestOutput = 2 ** 26;

/**
 * Reads a finished disk in a process of its own, which runs nothing of the disk. It may read the disk and the builder's
 * source, and write nothing; it starts no programs and has no environment. It ends with this process.
 * @param disk the raw disk file
 * @param name the image's, for messages
 * @param options.mostSeconds the reader is ended after this long; it takes half a second. @default 60
 * @throws UserError if the disk is damaged, or of a kind that no image has
 */
export async function readFacts(
  disk: string,
  name: string,
  { mostSeconds = 60 }: { mostSeconds?: number } = {},
): Promise<DiskFacts> {
  const file = realpathSync(disk);
  const readable = [file, path.join(projectRoot, "package.json"), path.join(projectRoot, "src/builder/*")];
  const { stdout, stderr, ...ended } = await execa(
    process.execPath,
    [
      "--permission",
      ...readable.map((place) => `--allow-fs-read=${place}`),
      `--max-old-space-size=${mostHeapMib}`,
      program,
      file,
    ],
    {
      env: {},
      extendEnv: false,
      // Left open: the reader ends when it closes.
      stdin: "pipe",
      timeout: mostSeconds * 1000,
      killSignal: "SIGKILL",
      maxBuffer: longestOutput,
      stripFinalNewline: false,
      reject: false,
    },
  );
  const fault = (what: string): UserError =>
    new UserError(
      "disk-check-failed",
      `the finished disk of ${name} cannot be read: ${printable(what)}`,
      "build it again; if that does not help, check the scripts and packages that the image's layers name",
      { where: name },
    );
  if (ended.timedOut) throw fault(`it took longer than ${mostSeconds} s`);
  if (ended.isMaxBuffer) throw fault("there is too much on it");
  // It kills itself when it has printed all.
  if (!stdout.endsWith("\n"))
    throw fault(`the reader ended with ${ended.signal ?? ended.exitCode}: ${stderr.slice(-2000)}`);
  const output = readerOutput.safeParse(fromJson(stdout));
  if (!output.success)
    throw fault(`what the reader says of it is invalid: ${output.error.message.slice(0, 2000)}`);
  if ("fault" in output.data) throw fault(output.data.fault);
  return output.data.facts;
}
