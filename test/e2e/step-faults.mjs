/**
 * Breaks one run of scripts/step.ts as the file that ALPINE_STEP_FAULT names says, and only one: for steps that change
 * files here and no cloud. Loaded into every Node by NODE_OPTIONS; anything but that step is left alone.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync } from "node:fs";

const file = process.env.ALPINE_STEP_FAULT;
if (file !== undefined && process.argv[1]?.endsWith("scripts/step.ts")) {
  const fault = read(file);
  const isMeant = fault?.step === process.env.ALPINE_STEP && fault?.operation === process.argv[2];
  if (fault !== undefined && isMeant) {
    renameSync(file, `${file}.met`);
    if (fault.when === "before") end(fault.does);
    // The result is the last thing that a step writes: its work is done then.
    else process.stdout.write = () => end(fault.does);
  }
}

/**
 * @param {string} file
 * @returns {{ step: string, operation: string, when: "before" | "after", does: "fail" | "kill-engine" } | undefined}
 */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} does
 * @returns {never}
 */
function end(does) {
  if (does === "kill-engine") {
    const plugin = process.ppid;
    const engine = execFileSync("ps", ["-o", "ppid=", "-p", String(plugin)], { encoding: "utf8" });
    process.kill(Number(engine), "SIGKILL");
    process.kill(process.pid, "SIGKILL");
  }
  process.stderr.write("error: a fault of the test's plan\n");
  process.exit(1);
}
