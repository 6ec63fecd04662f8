import type { Plugin } from "../bootstrap.mjs";
export function findRealPlugin(
  name: "language-nodejs" | "resource-command",
  where: { path: string; cli: string; home: string },
): Plugin | undefined;
export function standIn(name: "language-nodejs" | "resource-command"): Plugin;
export function pathAdditions(
  cli: string,
  cliIsOnPath: boolean,
  plugins: readonly Plugin[],
): { prepend: string[]; append: string[] };
