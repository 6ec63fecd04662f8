/** Caches files that builds make. A file is found by the digest of its inputs and checked against its own digest. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { markUsed } from "./cache-limit.ts";
import { moveFile, writeFileAtomically } from "../lib/atomic-file.ts";
import { digestOfFile } from "../lib/digest.ts";
import { cacheFolder } from "../lib/workspace.ts";

/** `base`: packed base trees. `initramfs`: the output of mkinitfs. */
export const madeKinds = ["base", "initramfs"] as const;
export type MadeKind = (typeof madeKinds)[number];

/** Keys also come from guests, so they are validated. */
const validKey = /^[0-9a-f]{64}$/;

function places(kind: MadeKind, key: string): { file: string; digest: string } {
  if (!validKey.test(key)) throw new Error(`'${key}' is not the key of a cached file`);
  const file = path.join(cacheFolder(kind), key);
  return { file, digest: `${file}.sha256` };
}

/** The cached file for a key, if there is one. Deletes a damaged file; the caller then makes it again. */
export async function findMade(kind: MadeKind, key: string): Promise<string | undefined> {
  const { file, digest } = places(kind, key);
  if (!existsSync(file) || !existsSync(digest)) return undefined;
  if ((await digestOfFile(file, "sha256")) === readFileSync(digest, "utf8").trim()) {
    markUsed(digest);
    markUsed(file);
    return file;
  }
  process.stderr.write(`${file} is damaged; making it again\n`);
  rmSync(digest, { force: true });
  rmSync(file, { force: true });
  return undefined;
}

/** Saves content as a cached file. */
export async function keepContent(kind: MadeKind, key: string, content: Uint8Array): Promise<void> {
  const { file, digest } = places(kind, key);
  rmSync(digest, { force: true });
  writeFileAtomically(file, content);
  writeFileAtomically(digest, `${await digestOfFile(file, "sha256")}\n`);
}

/** Moves a finished file into the cache. If two builds made the same file, the last one stays. */
export async function keepMade(kind: MadeKind, key: string, made: string): Promise<void> {
  const { file, digest } = places(kind, key);
  const content = await digestOfFile(made, "sha256");
  moveFile(made, file);
  // Written last: without it, the file is ignored.
  writeFileAtomically(digest, `${content}\n`);
}
