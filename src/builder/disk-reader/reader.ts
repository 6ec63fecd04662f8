/**
 * A process of its own that reads a finished disk: `reader.ts DISK`. It prints one line of JSON (`ReaderOutput`) and kills
 * itself. It also does so when its standard input closes, for then nobody waits for it any more.
 */
import { FormatError } from "../formats/format-error.ts";
import { readDisk } from "./disk-facts.ts";
import type { ReaderOutput } from "./facts.ts";

// Not by an exit, in which Node may wait forever for its compilers' threads: https://github.com/nodejs/node/issues/54918
const end = (): boolean => process.kill(process.pid, "SIGKILL");
process.stdin.on("error", end).on("end", end).resume();

async function output(): Promise<ReaderOutput> {
  try {
    return { facts: await readDisk(process.argv[2]!) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { fault: error.message };
  }
}

process.stdout.write(`${JSON.stringify(await output())}\n`, end);
