/** What probes have found out about this host, kept in the cache. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { cacheFolder } from "../lib/workspace.ts";

/** The file with all answers. */
export function answersFile(): string {
  return path.join(cacheFolder(), "accelerator-probes.json");
}

/** All answers, by everything that affects them. Their values are as they were saved, or damaged. */
export function readAnswers(): Record<string, unknown> {
  const file = answersFile();
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Adds an answer, or replaces the one with the same key. */
export function saveAnswer(key: string, answer: true | string): void {
  writeFileAtomically(
    answersFile(),
    `${JSON.stringify({ ...readAnswers(), [key]: answer }, undefined, 2)}\n`,
  );
}
