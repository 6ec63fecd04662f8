/** `.tools/tools.json` records what the bootstrap found or installed, for `pulumi.mjs`, the tests and later bootstraps. */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { toolsFile } from "./pinned.mjs";

/**
 * @typedef {"language-nodejs" | "resource-command"} PluginName
 * @typedef {{ kind: "real" | "stand-in", path: string, found: string }} Plugin
 * @typedef {{ path: string, version: string, origin: "PATH" | "downloaded" | "built" }} PulumiCli
 * @typedef {object} Tools
 * @property {1} format
 * @property {PulumiCli} pulumi
 * @property {Record<PluginName, Plugin>} plugins
 * @property {{ prepend: string[], append: string[] }} path folders to put before and after the user's PATH
 * @property {Record<string, string>} versions of the system tools, by name
 * @property {Record<string, { stamp: string, version: string }>} seen the versions that programs printed
 */

/**
 * @param {string} [file]
 * @returns {Tools | undefined} undefined if there is no file, or if it has another format
 */
export function readTools(file = toolsFile) {
  try {
    const tools = JSON.parse(readFileSync(file, "utf8"));
    return tools.format === 1 ? tools : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes the file if its content changed.
 * @param {Tools} tools
 * @param {string} [file]
 */
export function writeTools(tools, file = toolsFile) {
  if (JSON.stringify(readTools(file)) === JSON.stringify(tools)) return;
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(tools, null, 2)}\n`);
  renameSync(temporary, file);
}

/** Remembers versions by path, size and modification time, because running a program takes up to half a second. */
export class VersionMemory {
  /** @type {Tools["seen"]} */
  seen = {};

  /** @param {Tools["seen"]} [before] */
  constructor(before = {}) {
    this.before = before;
  }

  /**
   * @param {string} path
   * @param {() => Promise<string>} ask
   */
  async of(path, ask) {
    const { size, mtimeMs } = statSync(path);
    const stamp = `${size} ${mtimeMs}`;
    const known = this.before[path];
    const version = known?.stamp === stamp ? known.version : await ask();
    this.seen[path] = { stamp, version };
    return version;
  }
}
