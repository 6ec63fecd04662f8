/** Checks a finished disk, and fails the build if a check fails. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import path from "node:path";
import { type Check, none } from "../../lib/checks.ts";
import { UserError } from "../../lib/user-error.ts";
import { projectRoot } from "../../lib/workspace.ts";
import type { BuildSettings } from "../build-settings.ts";
import { overlayFiles } from "../inputs.ts";
import { blockBytes, type DiskFacts, readFacts } from "./facts.ts";
import { type ExpectedDisk, checkFacts } from "./check-facts.ts";

/**
 * Checks a finished disk against the facts that its guest reported.
 * @param disk the raw disk file
 * @param lines facts without the word `fact`
 * @returns the checks, all of them passed
 * @throws UserError that lists the failed checks
 */
export function checkDisk(
  disk: string,
  lines: readonly string[],
  build: Omit<ExpectedDisk, "repoKeys" | "customized"> & { settings: Pick<BuildSettings, "overlays"> },
): Check[] {
  const { variant, settings } = build;
  const facts = readFacts(lines);
  const scripts = overlayFiles(settings.overlays);
  const checks = [
    ...checkFacts(facts, {
      ...build,
      repoKeys: Object.fromEntries(variant.repoKeys.map((file) => [path.basename(file), sha256(file)])),
      customized: variant.scripts.some((name) => `scripts/${name}` in scripts),
    }),
    freeSpaceCheck(disk, facts),
  ];
  const failed = checks.filter(({ passed }) => !passed);
  if (failed.length === 0) return checks;
  const list = failed.map(({ name, found }) => `\n    ${name}: ${found}`).join("");
  throw new UserError(
    "disk-check-failed",
    `the finished disk of ${variant.name} is not what its variant declares: ${failed.length} of ${checks.length} checks failed:${list}`,
    "check the scripts and packages that the image's layers name; `npm run images -- --explain` shows which layer names them",
    { where: variant.name },
  );
}

function sha256(file: string): string {
  return createHash("sha256")
    .update(readFileSync(path.resolve(projectRoot, file)))
    .digest("hex");
}

/** Checks that free space is blank: it must not contain data from the build, nor take space in the image. */
export function freeSpaceCheck(
  disk: string,
  { freeBlocks, table }: Pick<DiskFacts, "freeBlocks" | "table">,
): Check {
  const root = (table?.partitions.at(-1)?.start ?? 0) * 512;
  const blank = Buffer.alloc(1 << 20);
  const content = Buffer.alloc(blank.length);
  const written: string[] = [];
  const file = openSync(disk, "r");
  try {
    for (const [first, last] of freeBlocks) {
      const end = root + (last + 1) * blockBytes;
      for (let at = root + first * blockBytes; at < end; at += content.length) {
        const length = Math.min(content.length, end - at);
        readSync(file, content, 0, length, at);
        if (!content.subarray(0, length).equals(blank.subarray(0, length))) {
          written.push(`a block of ${(at - root) / blockBytes} to ${(at + length - root) / blockBytes - 1}`);
        }
      }
    }
  } finally {
    closeSync(file);
  }
  return none("free space that is not blank", written);
}
