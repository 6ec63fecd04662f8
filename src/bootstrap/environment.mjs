/** The Pulumi CLI's environment: tools on PATH, and a default backend and passphrase. */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { needNode, pathWithNode } from "./node.mjs";
import { projectRoot } from "./pinned.mjs";
import { pulumiHome } from "./plugins.mjs";
import { BootstrapError } from "./report.mjs";
import { readTools } from "./tools-file.mjs";

/**
 * @typedef {import("./tools-file.mjs").Tools} Tools
 * @typedef {NodeJS.ProcessEnv} Environment
 */

/** Where state is kept if no backend is configured. */
const ownBackendFolder = join(projectRoot, "work", "pulumi");

/**
 * The default passphrase of stack `dev` in this project's own file backend. It is public and must not protect secrets: a
 * stack with real secrets needs PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE.
 */
export const devPassphrase = "alpine-cloud-images-dev";

/** High, because most operations only wait for a cloud. The builder limits its own work. */
const parallelOperations = "64";

/**
 * The environment for the Pulumi CLI. Keeps the user's own settings.
 * @param {object} options
 * @param {string} [options.stack] the stack that the command is for, if known
 * @param {string} [options.isolatedIn] a folder for tests: state, credentials and selected stack stay in it, while
 *   the user's installed plugins are still found
 * @param {Environment} [options.env] instead of this process's environment
 * @param {Tools} [options.tools] instead of the tools that the bootstrap recorded
 * @param {string} [options.project] the folder with Pulumi.yaml, if it isn't this project's
 * @returns {Environment}
 */
export function pulumiEnvironment(options = {}) {
  const tools = options.tools ?? readTools();
  if (tools === undefined) {
    throw new BootstrapError("tools-not-set-up", "the tools aren't set up", "run node scripts/bootstrap.mjs");
  }
  const user = options.env ?? process.env;
  const base = withTools(tools, user);
  return options.isolatedIn === undefined
    ? withBackend(base, options.stack, options.project ?? projectRoot)
    : isolated(base, options.isolatedIn);
}

/**
 * @param {Tools} tools
 * @param {Environment} user
 * @returns {Environment}
 */
function withTools(tools, user) {
  const { prepend, append } = tools.path;
  // The program, its plugins and the tracked commands all run `node`.
  const path = [...prepend, pathWithNode(needNode(), user["PATH"] ?? ""), ...append];
  const usesStandIns = Object.values(tools.plugins).some((plugin) => plugin.kind === "stand-in");
  return {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_PARALLEL: parallelOperations,
    // There is no network in this case: a missing plugin should be an error at once, not after many attempts.
    ...(usesStandIns ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" } : {}),
    ...user,
    PATH: path.join(delimiter),
  };
}

/**
 * @param {Environment} environment
 * @param {string | undefined} stack
 * @param {string} project
 * @returns {Environment}
 */
function withBackend(environment, stack, project) {
  const own = pathToFileURL(ownBackendFolder).href;
  if (configuredBackend(environment, project) !== undefined && environment["PULUMI_BACKEND_URL"] !== own) {
    return environment;
  }
  mkdirSync(ownBackendFolder, { recursive: true });
  const hasPassphrase = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"].some(
    (name) => environment[name] !== undefined,
  );
  const isDev = (stack ?? selectedStack(environment, project))?.split("/").at(-1) === "dev";
  return {
    ...environment,
    PULUMI_BACKEND_URL: own,
    ...(isDev && !hasPassphrase ? { PULUMI_CONFIG_PASSPHRASE: devPassphrase } : {}),
  };
}

/**
 * What configures the backend, in the CLI's order of precedence; undefined if nothing does.
 * @param {Environment} environment
 * @param {string} project
 * @returns {string | undefined}
 */
export function configuredBackend(environment, project) {
  if (environment["PULUMI_BACKEND_URL"]) return "PULUMI_BACKEND_URL";
  const projectFile = join(project, "Pulumi.yaml");
  if (existsSync(projectFile) && /^backend:/m.test(readFileSync(projectFile, "utf8"))) return projectFile;
  if (environment["PULUMI_ACCESS_TOKEN"]) return "PULUMI_ACCESS_TOKEN";
  const credentials = join(
    environment["PULUMI_CREDENTIALS_PATH"] || pulumiHome(environment),
    "credentials.json",
  );
  return isLoggedIn(credentials) ? credentials : undefined;
}

/** @param {string} credentials */
function isLoggedIn(credentials) {
  if (!existsSync(credentials)) return false;
  try {
    const content = JSON.parse(readFileSync(credentials, "utf8"));
    // In an unknown format, such as an encrypted one, any content counts as a login.
    if (!("current" in content) && !("accounts" in content) && !("accessTokens" in content)) {
      return Object.keys(content).length > 0;
    }
    return Boolean(content.current);
  } catch {
    return true;
  }
}

/**
 * The stack selected with `pulumi stack select`, from the CLI's workspace files.
 * @param {Environment} environment
 * @param {string} project
 * @returns {string | undefined}
 */
export function selectedStack(environment, project) {
  const projectFile = join(project, "Pulumi.yaml");
  try {
    const name = /^name:\s*["']?([^\s"'#]+)/m.exec(readFileSync(projectFile, "utf8"))?.[1];
    const hash = createHash("sha1").update(projectFile).digest("hex");
    const notes = join(pulumiHome(environment), "workspaces", `${name}-${hash}-workspace.json`);
    /** @type {{ stack?: string, stacks?: Record<string, string> }} */
    const { stack, stacks = {} } = JSON.parse(readFileSync(notes, "utf8"));
    return stacks[pathToFileURL(ownBackendFolder).href] ?? stack;
  } catch {
    return undefined;
  }
}

/**
 * @param {Environment} environment
 * @param {string} folder
 * @returns {Environment}
 */
function isolated(environment, folder) {
  const home = join(folder, "pulumi-home");
  const state = join(folder, "state");
  mkdirSync(home, { recursive: true });
  mkdirSync(state, { recursive: true });
  const plugins = join(pulumiHome(environment), "plugins");
  if (existsSync(plugins) && lstatSync(join(home, "plugins"), { throwIfNoEntry: false }) === undefined) {
    symlinkSync(plugins, join(home, "plugins"));
  }
  const account = new Set([
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CREDENTIALS_PATH",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
  ]);
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !account.has(name))),
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: pathToFileURL(state).href,
    PULUMI_CONFIG_PASSPHRASE: "test",
  };
}

/**
 * The stack that a command line names, if any: `--stack NAME`, or the NAME of `stack init|select|rm NAME`.
 * @param {readonly string[]} arguments_
 * @returns {string | undefined}
 */
export function stackNamedBy(arguments_) {
  const [command, subcommand, name] = arguments_;
  for (const [index, argument] of arguments_.entries()) {
    if (argument === "--") break;
    if (argument === "--stack" || argument === "-s") return arguments_[index + 1];
    if (argument.startsWith("--stack=")) return argument.slice("--stack=".length);
  }
  const namesOne = command === "stack" && ["init", "select", "rm"].includes(subcommand ?? "");
  return namesOne && name !== undefined && !name.startsWith("-") ? name : undefined;
}
