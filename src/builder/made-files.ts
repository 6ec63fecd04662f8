/** Files that builds have made and can use again: found by a digest of what they are made from, checked by their own. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { markUsed } from "./cache-limit.ts";
import { moveFile, writeFileAtomically } from "../lib/atomic-file.ts";
import { digestOfFile } from "../lib/digest.ts";
import { cacheFolder } from "../lib/workspace.ts";

/** `base`: packed trees. `initramfs`: what mkinitfs makes. */
export type MadeKind = "base" | "initramfs";

/** Keys come from guests too. */
const validKey = /^[0-9a-f]{64}$/;

function places(kind: MadeKind, key: string): { file: string; digest: string } {
  if (!validKey.test(key)) throw new Error(`'${key}' is no key of a cached file`);
  const file = path.join(cacheFolder(kind), key);
  return { file, digest: `${file}.sha256` };
}

/** A file that was kept and is still what it was; one that is damaged is dropped, and made again by whoever asked. */
export async function findMade(kind: MadeKind, key: string): Promise<string | undefined> {
  const { file, digest } = places(kind, key);
  if (!existsSync(file) || !existsSync(digest)) return undefined;
  if ((await digestOfFile(file, "sha256")) === readFileSync(digest, "utf8").trim()) {
    markUsed(digest);
    markUsed(file);
    return file;
  }
  process.stderr.write(`${file} is damaged, making it again\n`);
  rmSync(digest, { force: true });
  rmSync(file, { force: true });
  return undefined;
}

/** Keeps content as a file. */
export async function keepContent(kind: MadeKind, key: string, content: Uint8Array): Promise<void> {
  const { file, digest } = places(kind, key);
  rmSync(digest, { force: true });
  writeFileAtomically(file, content);
  writeFileAtomically(digest, `${await digestOfFile(file, "sha256")}\n`);
}

/** Keeps a finished file, which is moved. Of two builds that made the same, the last one's stays. */
export async function keepMade(kind: MadeKind, key: string, made: string): Promise<void> {
  const { file, digest } = places(kind, key);
  const content = await digestOfFile(made, "sha256");
  moveFile(made, file);
  // Written last: without it the file does not count.
  writeFileAtomically(digest, `${content}\n`);
}
