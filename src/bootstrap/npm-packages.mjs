import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./processes.mjs";
import { step } from "./report.mjs";

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} LockedPackages */

/**
 * Whether node_modules holds what package-lock.json lists. Optional packages may be absent: most of them are for
 * other platforms.
 * @param {LockedPackages} locked
 * @param {LockedPackages} installed
 */
export function packagesMatch(locked, installed) {
  return Object.entries(locked).every(([path, wanted]) => {
    if (path === "") return true;
    const present = installed[path];
    if (present === undefined) return wanted.optional === true;
    return present.version === wanted.version && present.integrity === wanted.integrity;
  });
}

/**
 * @param {string} file
 * @returns {LockedPackages}
 */
function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
  } catch {
    return {};
  }
}

/**
 * Runs `npm ci` unless node_modules is as package-lock.json says.
 * @param {string} projectRoot
 * @param {AbortSignal} signal
 */
export async function ensureNpmPackages(projectRoot, signal) {
  const locked = packagesIn(join(projectRoot, "package-lock.json"));
  const installed = packagesIn(join(projectRoot, "node_modules/.package-lock.json"));
  if (packagesMatch(locked, installed)) return;
  await step("npm ci", async () => {
    // Scripts of packages stay off: nothing here needs them.
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["ci", ...flags], { cwd: projectRoot, signal });
  });
}
