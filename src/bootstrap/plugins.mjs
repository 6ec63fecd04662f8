/** Finds or installs the two Pulumi plugins that the project needs: real ones if possible, otherwise offline stand-ins. */
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isReachable } from "./download.mjs";
import { pinned, pluginSources, standInFolder } from "./pinned.mjs";
import { findOnPath, isExecutable, run } from "./processes.mjs";
import { say, step } from "./report.mjs";

/**
 * @typedef {import("./tools-file.mjs").Plugin} Plugin
 * @typedef {import("./tools-file.mjs").PluginName} PluginName
 */

const executables = /** @type {const} */ ({
  "language-nodejs": "pulumi-language-nodejs",
  "resource-command": "pulumi-resource-command",
});

/** Each stand-in has a separate folder, because on PATH it would hide a real plugin that isn't on PATH. */
const standInBins = {
  "language-nodejs": join(standInFolder, "language-host", "bin"),
  "resource-command": join(standInFolder, "command-provider", "bin"),
};

/**
 * The folder in which the CLI keeps the user's plugins, credentials and selected stacks.
 * @param {NodeJS.ProcessEnv} [environment]
 */
export function pulumiHome(environment = process.env) {
  return environment["PULUMI_HOME"] || join(environment["HOME"] || homedir(), ".pulumi");
}

/**
 * Looks for the real plugin where the CLI does, in the same order: on PATH, next to the CLI (language hosts only), and
 * among the installed plugins.
 * @param {PluginName} name
 * @param {{ path: string, cli: string, home: string }} where
 * @returns {Plugin | undefined}
 */
export function findRealPlugin(name, where) {
  const executable = executables[name];
  const onPath = findOnPath(executable, where.path);
  if (onPath !== undefined && dirname(onPath) !== standInBins[name]) {
    return { kind: "real", path: onPath, found: "on PATH" };
  }
  const beside = join(dirname(realpathSync(where.cli)), executable);
  if (name === "language-nodejs" && isExecutable(beside)) {
    return { kind: "real", path: beside, found: "beside the CLI" };
  }
  // The CLI accepts a language host of any version, but a resource provider only in the requested version.
  const folder = name === "resource-command" ? `${name}-v${pinned.commandProvider}` : name;
  const installed = join(where.home, "plugins", folder, executable);
  return isExecutable(installed)
    ? { kind: "real", path: installed, found: "an installed plugin" }
    : undefined;
}

/**
 * @param {PluginName} name
 * @returns {Plugin}
 */
export function standIn(name) {
  return { kind: "stand-in", path: join(standInBins[name], executables[name]), found: "offline-kit" };
}

/**
 * Installs the real command provider if one of its servers can be reached.
 * @param {string} cli
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether it is installed now
 */
export async function installCommandProvider(cli, signal) {
  const reachable = await Promise.all(pluginSources.map(isReachable));
  if (!reachable.includes(true)) {
    say(
      "the Pulumi plugins' servers can't be reached: using the offline stand-ins for plugins that aren't installed",
    );
    return false;
  }
  const plugin = ["resource", "command", pinned.commandProvider];
  await step(`pulumi plugin install ${plugin.join(" ")}`, async () => {
    await run(cli, ["plugin", "install", ...plugin], { signal });
  });
  return true;
}

/**
 * The folders before and after the user's PATH. Only the stand-ins that are used are added, at the end, so that real
 * plugins are found first.
 * @param {string} cli
 * @param {boolean} cliIsOnPath
 * @param {readonly Plugin[]} plugins
 */
export function pathAdditions(cli, cliIsOnPath, plugins) {
  const standInPaths = plugins
    .filter((plugin) => plugin.kind === "stand-in")
    .map((plugin) => dirname(plugin.path));
  return { prepend: cliIsOnPath ? [] : [dirname(cli)], append: [...new Set(standInPaths)] };
}
