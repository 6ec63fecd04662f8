/**
 * Compiles the TypeScript of the offline stand-in plugins, so that they start quickly and with any Node.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot, standInFolder } from "./pinned.mjs";

const sources = join(projectRoot, "offline-kit");
const folders = /** @type {const} */ ({
  "pulumi-language-nodejs": "language-host",
  "pulumi-resource-command": "command-provider",
});

/** The TypeScript files of the plugins, relative to `sources`. */
function sourceFiles() {
  const own = Object.values(folders).flatMap((folder) =>
    readdirSync(join(sources, folder))
      .filter((name) => /(?<!\.test|\.e2e|-project)\.ts$/.test(name))
      .map((name) => join(folder, name)),
  );
  return ["plugin-server.ts", ...own];
}

/** Compiles the stand-ins if a source has changed since the last time. Requires node_modules. */
export async function ensureStandIns() {
  const files = sourceFiles();
  const stamp = files.map((file) => `${file} ${statSync(join(sources, file)).mtimeMs}`).join("\n");
  const stampFile = join(standInFolder, "made-from");
  if (readIfThere(stampFile) === stamp) return;

  const { default: typescript } = await import("typescript");
  const temporary = `${standInFolder}.${process.pid}`;
  for (const file of files) {
    const { outputText } = typescript.transpileModule(readFileSync(join(sources, file), "utf8"), {
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    write(join(temporary, file.replace(/\.ts$/, ".js")), outputText);
  }
  for (const [name, folder] of Object.entries(folders)) {
    write(join(temporary, folder, "bin", name), launcher(name, folder), 0o755);
  }
  write(join(temporary, "made-from"), stamp);
  rmSync(standInFolder, { recursive: true, force: true });
  renameSync(temporary, standInFolder);
}

/**
 * @param {string} name
 * @param {string} folder
 */
function launcher(name, folder) {
  return `#!/bin/sh
# Offline stand-in for ${name}, compiled from offline-kit/${folder}; see offline-kit/README.md.
set -eu
here=$(dirname "$0")
exec node "$here/../main.js" "$@"
`;
}

/**
 * @param {string} file
 * @param {string} text
 * @param {number} [mode]
 */
function write(file, text, mode) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: mode ?? 0o644 });
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
