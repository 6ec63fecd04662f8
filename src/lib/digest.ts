/** Digests of files. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { finished } from "node:stream/promises";

type Algorithm = "sha256" | "sha512";

/** The hexadecimal digest of a file's content. */
export async function digestOfFile(file: string, algorithm: Algorithm): Promise<string> {
  return (await digestsOfFile(file, algorithm))[algorithm];
}

/** Hexadecimal digests of a file's content by several algorithms. Reads the file once. */
export async function digestsOfFile<Wanted extends Algorithm>(
  file: string,
  ...algorithms: Wanted[]
): Promise<Record<Wanted, string>> {
  const hashes = algorithms.map((algorithm) => [algorithm, createHash(algorithm)] as const);
  const reading = createReadStream(file, { highWaterMark: 2 ** 20 });
  reading.on("data", (bytes) => hashes.forEach(([, hash]) => hash.update(bytes)));
  await finished(reading);
  const digests = hashes.map(([algorithm, hash]) => [algorithm, hash.digest("hex")]);
  return Object.fromEntries(digests) as Record<Wanted, string>;
}
