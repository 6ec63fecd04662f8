/** Installs the project's npm packages. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./processes.mjs";
import { step } from "./report.mjs";

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} LockedPackages */

/**
 * Whether node_modules contains what package-lock.json lists. Optional packages may be missing: most are for other
 * platforms.
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
 * Runs `npm ci` unless node_modules matches package-lock.json.
 * @param {string} projectRoot
 * @param {AbortSignal} signal
 */
export async function ensureNpmPackages(projectRoot, signal) {
  const locked = packagesIn(join(projectRoot, "package-lock.json"));
  const installed = packagesIn(join(projectRoot, "node_modules/.package-lock.json"));
  if (packagesMatch(locked, installed)) return;
  await step("npm ci", async () => {
    // Packages' install scripts are off: none are needed.
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["ci", ...flags], { cwd: projectRoot, signal });
  });
}
