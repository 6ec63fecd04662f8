/** The two Pulumi plugins the project needs: real ones wherever there are any, else the offline stand-ins. */
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

/** Each stand-in in a folder of its own, for on PATH it would hide a real plugin that isn't on PATH. */
const standInBins = {
  "language-nodejs": join(standInFolder, "language-host", "bin"),
  "resource-command": join(standInFolder, "command-provider", "bin"),
};

/**
 * The folder in which the CLI keeps what is the user's: plugins, credentials, the selected stacks.
 * @param {NodeJS.ProcessEnv} [environment]
 */
export function pulumiHome(environment = process.env) {
  return environment["PULUMI_HOME"] || join(environment["HOME"] || homedir(), ".pulumi");
}

/**
 * The real plugin, looked for where the CLI looks and in its order: PATH, beside the CLI (language hosts only),
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
  // The CLI takes a language host of any version, a resource provider only in the one that is asked for.
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
 * Installs the real command provider where one of its servers can be reached.
 * @param {string} cli
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether it is installed now
 */
export async function installCommandProvider(cli, signal) {
  const reachable = await Promise.all(pluginSources.map(isReachable));
  if (!reachable.includes(true)) {
    say(
      "the Pulumi plugins' servers can't be reached: the offline stand-ins are used for what isn't installed",
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
 * What goes before and after the user's PATH. The stand-ins come last, and only those that are used: whatever is
 * real is found first.
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
