/** Writes and moves files atomically. */
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Writes a file completely or not at all: writes it under a unique name beside the target, then renames it. */
export function writeFileAtomically(file: string, content: string | Uint8Array, mode = 0o644): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}-${randomBytes(3).toString("hex")}.part`;
  try {
    writeFileSync(unfinished, content, { mode });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Moves a file to its final name, completely or not at all, even between filesystems. */
export function moveFile(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  try {
    renameSync(from, to);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
  }
  const unfinished = `${to}.${process.pid}-${randomBytes(3).toString("hex")}.part`;
  try {
    copyFileSync(from, unfinished);
    renameSync(unfinished, to);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  rmSync(from);
}
