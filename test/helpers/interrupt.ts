import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { resultOf, type PulumiProject } from "./pulumi-project.ts";

/** Starts the CLI, waits until `file` in the project has a process id, interrupts the CLI once, and waits until it ends. */
export async function interruptWhenThere(
  project: PulumiProject,
  file: string,
  arguments_: readonly string[],
): Promise<{ code: number | null; output: string; pid: number }> {
  const child = project.start(...arguments_);
  const result = resultOf(child);
  const path = project.path(file);
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (existsSync(path) && /\d\n?$/.test(readFileSync(path, "utf8"))) break;
    await sleep(100);
  }
  assert.ok(existsSync(path), `${file} did not appear within a minute`);
  const pid = Number(readFileSync(path, "utf8"));
  child.kill("SIGINT");
  return { ...(await result), pid };
}

/** Whether a process is running. A zombie is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/stat`;
  return !existsSync(status) || !/\) Z /.test(readFileSync(status, "utf8"));
}
