/**
 * Runs a program of the project or of an npm package with a Node that is new enough. npm runs scripts with whatever
 * `node` is on PATH, and an old one can't run TypeScript.
 *
 *   node scripts/node.mjs scripts/images.ts ARGS
 *   node scripts/node.mjs mocha ARGS
 */
import { realpathSync } from "node:fs";
import * as module from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { withErrorsShown } from "./bootstrap.mjs";
import { isNewEnough, needNode, pathWithNode } from "../src/bootstrap/node.mjs";
import { projectRoot } from "../src/bootstrap/pinned.mjs";
import { BootstrapError } from "../src/bootstrap/report.mjs";
import { runInForeground } from "../src/bootstrap/run-in-foreground.mjs";

/**
 * @param {string} name a path, or the name of a program in node_modules/.bin
 * @returns {string}
 */
function fileOf(name) {
  const isPath = name.includes("/");
  try {
    return realpathSync(isPath ? resolve(name) : join(projectRoot, "node_modules", ".bin", name));
  } catch {
    throw new BootstrapError(
      "file-missing",
      name ? `program ${name} not found` : "no program given",
      isPath ? "check the path" : "`npm run bootstrap` installs the project's npm packages",
    );
  }
}

/** @type {string | undefined} */
let program;
await withErrorsShown(async () => {
  const [name = "", ...arguments_] = process.argv.slice(2);
  const file = fileOf(name);
  const node = needNode();
  process.env["PATH"] = pathWithNode(node);
  // Node keeps what it compiles: half of a program's start is to compile it.
  const compiled = join(projectRoot, "work", "cache", "node");
  process.env["NODE_COMPILE_CACHE"] ??= compiled;
  module.enableCompileCache?.(compiled);
  if (isNewEnough()) {
    // As if the program had been called directly.
    process.argv.splice(1, 2, file);
    program = file;
  } else {
    process.exitCode = await runInForeground(node, [file, ...arguments_], process.env);
  }
});
// Outside of withErrorsShown, because the program reports its own errors.
if (program !== undefined) await import(pathToFileURL(program).href);
