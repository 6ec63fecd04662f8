/**
 * Sets up everything that this project needs and a checkout doesn't contain: npm packages, the Pulumi CLI with its two
 * plugins, QEMU and firmware, and a newer Node if the host's is too old. It requires only Node and npm, skips what is
 * already set up, and reports what it does on stderr.
 *
 *   node scripts/bootstrap.mjs [--tests] [--offline-kit] [--refresh]
 *
 *   --tests        also set up what only the tests need
 *   --offline-kit  also set up what is needed to make the offline kit
 *   --refresh      try the network again if an earlier run worked without it
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasProxy } from "../src/bootstrap/download.mjs";
import { ensureNode } from "../src/bootstrap/node.mjs";
import { ensureNpmPackages } from "../src/bootstrap/npm-packages.mjs";
import { projectRoot, toolsFile, toolsFolder } from "../src/bootstrap/pinned.mjs";
import {
  findRealPlugin,
  installCommandProvider,
  pathAdditions,
  pulumiHome,
  standIn,
} from "../src/bootstrap/plugins.mjs";
import { findCli, installCli } from "../src/bootstrap/pulumi-cli.mjs";
import { BootstrapError, say } from "../src/bootstrap/report.mjs";
import { ensureStandIns } from "../src/bootstrap/stand-ins.mjs";
import { findMissing, installMissing, requirementsFor } from "../src/bootstrap/system-tools.mjs";
import { readTools, VersionMemory, writeTools } from "../src/bootstrap/tools-file.mjs";

/**
 * @typedef {import("../src/bootstrap/tools-file.mjs").Tools} Tools
 * @typedef {import("../src/bootstrap/tools-file.mjs").PulumiCli} PulumiCli
 */

/**
 * Brings the checkout up to date. Takes less than a second if there is nothing to do.
 * @param {{ tests?: boolean, offlineKit?: boolean, refresh?: boolean }} [options]
 * @returns {Promise<Tools>}
 */
export async function bootstrap(options = {}) {
  return await alone(async () => {
    const before = readTools();
    const memory = new VersionMemory(before?.seen);
    const abort = new AbortController();
    await ensureNode(abort.signal);
    /** @type {Record<string, string>} */
    const versions = {};
    const npmPackages = ensureNpmPackages(projectRoot, abort.signal);
    // If the CLI has to be built, it takes by far the longest, so the rest runs in parallel.
    const steps = [
      hasProxy() ? npmPackages.then(() => ensureCli(memory, abort.signal)) : ensureCli(memory, abort.signal),
      npmPackages,
      ensureSystemTools(options, memory, versions, abort.signal),
    ];
    const [cli] = await Promise.all(steps).catch(async (error) => {
      abort.abort();
      await Promise.allSettled(steps);
      throw error;
    });
    const plugins = await ensurePlugins(
      /** @type {PulumiCli} */ (cli),
      before,
      options.refresh ?? false,
      abort.signal,
    );
    const tools = toolsFrom(/** @type {PulumiCli} */ (cli), plugins, versions, memory);
    writeTools(tools);
    return tools;
  });
}

/**
 * @param {VersionMemory} memory
 * @param {AbortSignal} signal
 */
async function ensureCli(memory, signal) {
  return (await findCli(memory, { quiet: true })) ?? (await installCli(memory, signal));
}

/**
 * @param {{ tests?: boolean, offlineKit?: boolean }} options
 * @param {VersionMemory} memory
 * @param {Record<string, string>} versions
 * @param {AbortSignal} signal
 */
async function ensureSystemTools(options, memory, versions, signal) {
  const requirements = requirementsFor({
    tests: options.tests ?? false,
    offlineKit: options.offlineKit ?? false,
  });
  const missing = await findMissing(requirements, memory, versions);
  if (missing.length === 0) return;
  await installMissing(missing, signal);
  const stillMissing = (await findMissing(requirements, memory, versions)).filter(
    ({ optional }) => !optional,
  );
  if (stillMissing.length > 0) {
    throw new BootstrapError(
      "tool-missing",
      `not found after installation: ${stillMissing.map((one) => one.name).join(", ")}`,
    );
  }
}

/**
 * @param {PulumiCli} cli
 * @param {Tools | undefined} before
 * @param {boolean} refresh
 * @param {AbortSignal} signal
 * @returns {Promise<Tools["plugins"]>}
 */
async function ensurePlugins(cli, before, refresh, signal) {
  const where = { path: process.env["PATH"] ?? "", cli: cli.path, home: pulumiHome() };
  const language = findRealPlugin("language-nodejs", where) ?? standIn("language-nodejs");
  let command = findRealPlugin("resource-command", where);
  // If an earlier run could not reach the network, don't try again at every start.
  const hadStandIn = before?.plugins["resource-command"].kind === "stand-in";
  if (command === undefined && (refresh || !hadStandIn) && (await installCommandProvider(cli.path, signal))) {
    command = findRealPlugin("resource-command", where);
    if (command === undefined) {
      throw new BootstrapError(
        "tool-missing",
        `\`pulumi plugin install\` succeeded, but the plugin isn't in ${where.home}/plugins`,
        undefined,
        { where: `${where.home}/plugins` },
      );
    }
  }
  const plugins = { "language-nodejs": language, "resource-command": command ?? standIn("resource-command") };
  if (Object.values(plugins).some((plugin) => plugin.kind === "stand-in")) await ensureStandIns();
  return plugins;
}

/**
 * @param {PulumiCli} cli
 * @param {Tools["plugins"]} plugins
 * @param {Record<string, string>} versions
 * @param {VersionMemory} memory
 * @returns {Tools}
 */
function toolsFrom(cli, plugins, versions, memory) {
  return {
    format: 1,
    pulumi: cli,
    plugins,
    path: pathAdditions(cli.path, cli.origin === "PATH", Object.values(plugins)),
    versions: sorted(versions),
    seen: sorted(memory.seen),
  };
}

/**
 * Sorts by key, so that the file doesn't depend on the order in which things were found.
 * @template T
 * @param {Record<string, T>} record
 */
function sorted(record) {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/**
 * Lets only one bootstrap run at a time: two would undo each other's `npm ci`.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function alone(work) {
  const lock = join(toolsFolder, "bootstrap.lock");
  mkdirSync(dirname(toolsFile), { recursive: true });
  let saidSo = false;
  while (!take(lock)) {
    if (!saidSo) say(`waiting for another bootstrap (process ${holder(lock)})`);
    saidSo = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => rmSync(lock, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

/** @param {string} lock */
function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    const owner = holder(lock);
    if (owner !== undefined && isAlive(owner)) return false;
    // A process that was killed left the lock behind.
    if (holder(lock) === owner) rmSync(lock, { force: true });
    return false;
  }
}

/** @param {string} lock */
function holder(lock) {
  try {
    return Number(readFileSync(lock, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * Runs `main`. Prints a BootstrapError without its stack and sets the exit code.
 * @param {() => Promise<void>} main
 */
export async function withErrorsShown(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    process.stderr.write(`bootstrap: error: ${error.message}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const known = { "--tests": "tests", "--offline-kit": "offlineKit", "--refresh": "refresh" };
  await withErrorsShown(async () => {
    const flags = process.argv.slice(2).map((flag) => {
      if (!(flag in known))
        throw new BootstrapError(
          "usage",
          `unknown argument ${flag}`,
          `known arguments: ${Object.keys(known).join(" ")}`,
          { where: flag },
        );
      return known[/** @type {keyof typeof known} */ (flag)];
    });
    await bootstrap(Object.fromEntries(flags.map((flag) => [flag, true])));
  });
}
