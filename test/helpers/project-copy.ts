/** A copy of the project's programs in a temporary folder, with its own caches, images, locks and slots. */
import { cpSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "./temporary.ts";

export const projectRoot = resolve(import.meta.dirname, "../..");

export interface ProjectCopy {
  root: string;
  /** A module of the copy. Its classes differ from the original's: compare names, not `instanceof`. */
  load<Module>(file: string): Promise<Module>;
}

export function projectCopy(): ProjectCopy {
  const root = temporaryFolder();
  for (const name of [
    "package.json",
    "tsconfig.json",
    "bench",
    "clouds",
    "components",
    "configs",
    "scripts",
    "src",
  ]) {
    cpSync(join(projectRoot, name), join(root, name), { recursive: true });
  }
  symlinkSync(join(projectRoot, "node_modules"), join(root, "node_modules"));
  return {
    root,
    load: async <Module>(file: string) => (await import(pathToFileURL(join(root, file)).href)) as Module,
  };
}
