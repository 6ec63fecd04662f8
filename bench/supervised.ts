/** Runs and measures a program that must not outlive the benchmark. */
import { spawn } from "node:child_process";
import path from "node:path";
import { projectRoot } from "../src/lib/workspace.ts";
import { type TreeUsage, watchTree } from "./tree-usage.ts";

/** A program that has ended. */
export interface SupervisedRun {
  /** Null if it was killed. */
  exitCode: number | null;
  /** The end of its output, errors included. */
  output: string;
  seconds: number;
  usage: TreeUsage | undefined;
}

/**
 * Runs a program in a mount and a process namespace of its own, as root. Whatever ends this process, even kill -9, ends the
 * program, all that it started, and its mounts.
 * @param environment the program's whole environment
 */
export async function runInOwnNamespaces(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<SupervisedRun> {
  const namespaces = [
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  const begun = performance.now();
  const child = spawn(
    path.join(projectRoot, "src/builder/supervise"),
    ["unshare", ...namespaces, "--", ...command],
    { stdio: ["pipe", "pipe", "pipe"], detached: true, env: { ...environment } },
  );
  const stopWatching = watchTree(child.pid!);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-16_000)));
  // The watchdog watches this pipe. It breaks when the program ends first, which is not an error.
  child.stdin.on("error", () => {});
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).finally(stopWatching);
  const seconds = (performance.now() - begun) / 1000;
  return { exitCode, output, seconds, usage: stopWatching() };
}
