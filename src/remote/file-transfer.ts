/** Transfers files from a builder: a tar archive whose first entry, SHA512SUMS, lists the files that must arrive. */
import { createReadStream, createWriteStream, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { digestOfFile } from "../lib/digest.ts";
import type { ErrorCode } from "../lib/error-codes.ts";

const sumsName = "SHA512SUMS";

/** Sends files from a folder. */
export async function sendFiles(folder: string, names: readonly string[], output: Writable): Promise<void> {
  const archive = pack();
  const sent = pipeline(archive, output, { end: false });
  // Awaited below; an error before that must not end the process.
  sent.catch(() => {});
  const sums: string[] = [];
  for (const name of names) sums.push(`${await digestOfFile(path.join(folder, name), "sha512")}  ${name}\n`);
  archive.entry({ name: sumsName }, sums.join(""));
  for (const name of names) {
    const file = path.join(folder, name);
    const entry = archive.entry({ name, size: statSync(file).size });
    await pipeline(createReadStream(file), entry);
  }
  archive.finalize();
  await sent;
}

/**
 * Receives files into a folder. Stops reading after the last announced file, because the sender keeps the stream open
 * until it is told that they arrived.
 * @returns name → sha512
 * @throws Error if a file is missing, damaged or not announced
 */
export async function receiveFiles(input: Readable, folder: string): Promise<Map<string, string>> {
  const archive = extract();
  input.pipe(archive);
  const received = new Map<string, string>();
  let announced: Map<string, string> | undefined;
  for await (const entry of archive) {
    const { name } = entry.header;
    if (announced === undefined) {
      if (name !== sumsName) throw new Error(`the first file is ${name}, not ${sumsName}`);
      announced = parseSums(await text(entry));
    } else {
      if (!announced.has(name)) throw new Error(`${name} is not listed in ${sumsName}`);
      const file = path.join(folder, name);
      await pipeline(entry as AsyncIterable<Buffer>, createWriteStream(file));
      received.set(name, await digestOfFile(file, "sha512"));
    }
    if (received.size === announced.size) break;
  }
  input.unpipe(archive).resume();
  for (const [name, sum] of announced ?? []) {
    if (received.get(name) === undefined) throw new Error(`${name} is missing`);
    if (received.get(name) !== sum) throw new Error(`${name} is damaged`);
  }
  return received;
}

function parseSums(sums: string): Map<string, string> {
  return new Map(
    sums
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [, sum, name] = /^([0-9a-f]{128}) {2}([^/\\]+)$/.exec(line) ?? [];
        if (sum === undefined || name === undefined || /^\.\.?$/.test(name)) {
          throw new Error(`'${line}' is not a valid line of ${sumsName}`);
        }
        return [name, sum];
      }),
  );
}

/** Why a build on a builder failed. Sent as a file together with the logs. */
export interface Failure {
  code: ErrorCode;
  what: string;
  hint?: string;
  where?: string;
  /** The builder's folder, which paths in these texts refer to. */
  folder: string;
}

const failureName = "failure.json";

/** Writes the reason for a failed build to a file in the folder of its logs. @returns the file's name */
export function writeFailure(folder: string, failure: Failure): string {
  writeFileSync(path.join(folder, failureName), JSON.stringify(failure));
  return failureName;
}

/** The failure in received files, if the build failed. Removes its file from the list. */
export function takeFailure(folder: string, received: Map<string, string>): Failure | undefined {
  if (!received.delete(failureName)) return undefined;
  return JSON.parse(readFileSync(path.join(folder, failureName), "utf8")) as Failure;
}
