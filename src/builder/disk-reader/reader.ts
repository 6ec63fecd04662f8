/**
 * A process of its own that reads a finished disk: `reader.ts DISK`. It prints one line of JSON (`ReaderOutput`), and
 * ends when its standard input closes, for then nobody waits for it any more.
 */
import { FormatError } from "../formats/format-error.ts";
import { readDisk } from "./disk-facts.ts";
import type { ReaderOutput } from "./facts.ts";

process.stdin.on("error", () => process.exit(1));
process.stdin.on("end", () => process.exit(1));
process.stdin.resume();

async function output(): Promise<ReaderOutput> {
  try {
    return { facts: await readDisk(process.argv[2]!) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { fault: error.message };
  }
}

// It then ends by itself. To exit at once can hang in Node's own shutdown (nodejs/node#54918).
process.stdout.write(JSON.stringify(await output()), () => process.stdin.destroy());
