/** Measures one thing in a new process, so that memory and time are those of this thing alone. */
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { type MadeKind, madeKinds } from "../src/builder/made-files.ts";
import { cacheFolder, projectRoot } from "../src/lib/workspace.ts";
import type { MeasureBuild, Measurement } from "./measure-build.ts";
import { type TreeUsage, watchTree } from "./tree-usage.ts";

/** A measured process. */
export interface Measured<Result> {
  /** What the program printed. */
  result: Result;
  /** From its start to its end, the start of Node included. */
  seconds: number;
  /** Undefined where the system does not report it. */
  usage: TreeUsage | undefined;
}

/** Runs a program of this folder that reads a job on stdin and prints a result, both as JSON. */
export async function measureProgram<Job, Result>(program: string, job: Job): Promise<Measured<Result>> {
  const begun = performance.now();
  const child = execa(process.execPath, [path.join(import.meta.dirname, program)], {
    cwd: projectRoot,
    stderr: "inherit",
    input: JSON.stringify(job),
  });
  const stopWatching = watchTree(child.pid!);
  const { stdout } = await child.catch((error: unknown) => {
    stopWatching();
    throw error;
  });
  const seconds = (performance.now() - begun) / 1000;
  return { result: JSON.parse(stdout) as Result, seconds, usage: stopWatching() };
}

/** Measures a build. */
export const measureBuild = (job: MeasureBuild): Promise<Measured<Measurement>> =>
  measureProgram("measure-build.ts", job);

/** Deletes what builds keep for later builds, except packages and the tools that they run. */
export function emptyMadeFiles(): void {
  for (const kind of madeKinds) rmSync(cacheFolder(kind), { recursive: true, force: true });
}

/** What builds have kept of these kinds: the files, and their digests and locks. */
export function keptFiles(...kinds: MadeKind[]): string[] {
  return kinds.flatMap((kind) => {
    const folder = cacheFolder(kind);
    return readdirSync(folder).map((name) => path.join(folder, name));
  });
}
