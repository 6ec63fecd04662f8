/** Checks a finished disk, and fails the build if a check fails. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Check } from "../../lib/checks.ts";
import { printable } from "../../lib/printable.ts";
import { UserError } from "../../lib/user-error.ts";
import { projectRoot } from "../../lib/workspace.ts";
import type { BuildSettings } from "../build-settings.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";
import { readFacts } from "../disk-reader/read-facts.ts";
import { overlayFiles } from "../inputs.ts";
import { type ExpectedDisk, checkFacts } from "./check-facts.ts";

type Build = Omit<ExpectedDisk, "repoKeys" | "customized"> & { settings: Pick<BuildSettings, "overlays"> };

/**
 * Reads a finished disk and compares it with what its variant declares.
 * @param disk the raw disk file
 * @returns the checks, all of them passed
 * @throws UserError that lists the failed checks, or says why the disk cannot be read
 */
export async function checkDisk(disk: string, build: Build): Promise<Check[]> {
  return passedChecks(await readFacts(disk, build.variant.name), build);
}

/** The same for what was read from a disk. */
export function passedChecks(facts: DiskFacts, { settings, ...build }: Build): Check[] {
  const { variant } = build;
  const scripts = overlayFiles(settings.overlays);
  const checks = checkFacts(facts, {
    ...build,
    repoKeys: Object.fromEntries(variant.repoKeys.map((file) => [path.basename(file), sha256(file)])),
    customized: variant.scripts.some((name) => `scripts/${name}` in scripts),
  });
  const failed = checks.filter(({ passed }) => !passed);
  if (failed.length === 0) return checks;
  const list = failed.map(({ name, found }) => `\n    ${printable(`${name}: ${found}`)}`).join("");
  throw new UserError(
    "disk-check-failed",
    `the finished disk of ${variant.name} is not what its variant declares: ${failed.length} of ${checks.length} checks failed:${list}`,
    "check the scripts and packages that the image's layers name; `npm run images -- --explain` shows which layer names them",
    { where: variant.name },
  );
}

function sha256(file: string): string {
  return hash("sha256", readFileSync(path.resolve(projectRoot, file)));
}
