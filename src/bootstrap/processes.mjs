/** Finds and runs programs. */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { BootstrapError } from "./report.mjs";

/**
 * Runs a program and returns its standard output. If it fails, the error shows the last 30 lines of its output.
 * @param {string} program
 * @param {readonly string[]} arguments_
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, signal?: AbortSignal, remedy?: string }} [options]
 * @returns {Promise<string>} stdout
 */
export async function run(program, arguments_, options = {}) {
  const { remedy, ...spawnOptions } = options;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, arguments_, { stdio: ["ignore", "pipe", "pipe"], ...spawnOptions });
    let stdout = "";
    let both = "";
    child.stdout.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      stdout += text;
      both += text;
    });
    child.stderr.setEncoding("utf8").on("data", (/** @type {string} */ text) => (both += text));
    child.on("error", (error) =>
      reject(
        new BootstrapError("tool-missing", `can't run ${program}: ${error.message}`, remedy, {
          where: program,
        }),
      ),
    );
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(stdout);
      const command = [program, ...arguments_].join(" ");
      const tail = both.trimEnd().split("\n").slice(-30).join("\n  ");
      reject(
        new BootstrapError(
          "tool-failed",
          `\`${command}\` failed with ${signal ?? `exit code ${code}`}:\n  ${tail}`,
          remedy,
          { where: command },
        ),
      );
    });
  });
}

/**
 * The full path of a program on a PATH.
 * @param {string} name
 * @param {string} [path]
 * @returns {string | undefined}
 */
export function findOnPath(name, path = process.env["PATH"] ?? "") {
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** @param {string} file */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
