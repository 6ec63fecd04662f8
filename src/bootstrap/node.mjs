/**
 * Finds or installs the Node that runs this project: the host's own if it is new enough, otherwise one from npm's
 * registry in `.tools/`. This module itself runs with the host's Node, however old.
 */
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { nodePackages, pinned, toolsFolder } from "./pinned.mjs";
import { findOnPath, isExecutable, run } from "./processes.mjs";
import { BootstrapError, step } from "./report.mjs";
import { compareVersions } from "./versions.mjs";

/**
 * @typedef {object} NodePackage an npm package that contains Node for one platform
 * @property {string} name
 * @property {string} version
 * @property {string} integrity
 */

const ownFolder = join(toolsFolder, "node");

/** The program in a folder where npm installed Node. Its folder contains nothing else, so it can be first on PATH. */
const programIn = (/** @type {string} */ folder) => join(folder, "node_modules", ".bin", "node");

/** @param {string} [version] */
export function isNewEnough(version = process.versions.node) {
  return compareVersions(version, pinned.minimumNode) >= 0;
}

/**
 * The npm package that contains Node for a platform.
 * @param {string} [platform]
 * @param {string} [architecture]
 * @returns {NodePackage}
 */
export function nodePackageFor(platform = process.platform, architecture = process.arch) {
  /** @type {Record<string, NodePackage>} */
  const packages = nodePackages;
  const found = packages[`${platform}-${architecture}`];
  if (found !== undefined) return found;
  throw new BootstrapError(
    "platform-unsupported",
    `this is Node ${process.versions.node}, but ${pinned.minimumNode} or newer is required, and npm has no Node for ${platform} on ${architecture}`,
    "install a newer Node: https://nodejs.org",
  );
}

/**
 * The Node to run everything with: this process's if it is new enough, otherwise the one that the bootstrap installed.
 * @returns {string | undefined} undefined if the bootstrap has to install one first
 */
export function findNode() {
  if (isNewEnough()) return process.execPath;
  const program = programIn(ownFolder);
  return isInstalled(nodePackageFor()) && isExecutable(program) ? program : undefined;
}

/**
 * The same, for programs that cannot continue without it.
 * @returns {string}
 */
export function needNode() {
  const node = findNode();
  if (node !== undefined) return node;
  throw new BootstrapError(
    "tool-outdated",
    `this is Node ${process.versions.node}; this project needs ${pinned.minimumNode} or newer`,
    "run `npm run bootstrap`, which installs one into .tools; then try again",
  );
}

/**
 * A PATH on which `node` is the given one.
 * @param {string} node
 * @param {string} [path]
 */
export function pathWithNode(node, path = process.env["PATH"] ?? "") {
  const first = findOnPath("node", path);
  if (first !== undefined && realpathSync(first) === realpathSync(node)) return path;
  return [dirname(node), path].filter((part) => part !== "").join(delimiter);
}

/**
 * Installs a Node if the host's is too old, and puts it first on this process's PATH. Programs started after that,
 * including npm, use it.
 * @param {AbortSignal} signal
 */
export async function ensureNode(signal) {
  if (findNode() === undefined) await installNode(nodePackageFor(), signal);
  process.env["PATH"] = pathWithNode(needNode());
}

/** @param {NodePackage} wanted */
function isInstalled({ name, version }) {
  try {
    const file = join(ownFolder, "node_modules", name, "package.json");
    return JSON.parse(readFileSync(file, "utf8")).version === version;
  } catch {
    return false;
  }
}

/**
 * @param {NodePackage} wanted
 * @param {AbortSignal} signal
 */
async function installNode(wanted, signal) {
  const { name, version } = wanted;
  const what = `Node ${version} from npm, because this is Node ${process.versions.node}`;
  await step(what, async () => {
    mkdirSync(toolsFolder, { recursive: true });
    // `npm ci` fails in a folder behind a symbolic link, like `.tools` on builders.
    const unfinished = join(realpathSync(toolsFolder), `node.${process.pid}`);
    try {
      writeProject(unfinished, wanted);
      const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      await run("npm", ["ci", "--prefix", unfinished, ...flags], { cwd: unfinished, signal });
      await run(programIn(unfinished), ["--version"], {
        signal,
        remedy: `npm's package ${name} doesn't run here: install Node ${pinned.minimumNode} or newer yourself`,
      });
      // Another process may have installed the same one meanwhile.
      if (isInstalled(wanted)) return;
      rmSync(ownFolder, { recursive: true, force: true });
      renameSync(unfinished, ownFolder);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  });
}

/**
 * Writes a project with this package as its only dependency, and a lock file, so that npm verifies the pinned bytes.
 * @param {string} folder
 * @param {NodePackage} wanted
 */
function writeProject(folder, { name, version, integrity }) {
  const project = { name: "node", private: true, dependencies: { [name]: version } };
  const packages = {
    "": project,
    [`node_modules/${name}`]: { version, integrity, bin: { node: "bin/node" } },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(project));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, packages }));
}
