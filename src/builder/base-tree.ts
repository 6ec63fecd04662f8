/** Caches base trees, so that builds that share one install its packages only once. */
import { createHash } from "node:crypto";
import { constants, statSync, truncateSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import path from "node:path";
import type { Variant } from "../configuration/variant.ts";
import { takeFileLock } from "../lib/file-lock.ts";
import { UserError } from "../lib/user-error.ts";
import { cacheFolder } from "../lib/workspace.ts";
import type { Appliance } from "./appliance.ts";
import { guestScripts } from "./job.ts";
import { findMade, keepMade } from "./made-files.ts";
import type { Repository } from "./mirror.ts";

/**
 * A disk with the packed tree that images share, whatever their bootstrap and cloud. Every build unpacks it, whether it
 * came from the cache or was made by the same build, so an image has the same bytes either way.
 */
export interface BaseTree {
  /** The disk's file. */
  file: string;
  /** Whether the guest has to make it. */
  missing: boolean;
  /**
   * Call when the guest has made the tree: shares it with other builds.
   * @param bytes length of the archive on the disk
   */
  keep(bytes: number): Promise<void>;
  /** Call at the end, even after a failure: builds that still wait for this tree then make it themselves. */
  release(): Promise<void>;
}

/** More than any base tree needs. Sparse, so unwritten parts take no space. */
const diskMib = 8 * 1024;

/** The scripts that decide what is in the tree. */
const scripts = ["init", "init-namespace", "start", "install-base", "tree-functions"];

/** An empty archive, in bytes. */
const smallestArchive = 10_240;

/** Shares a copy, because the guest that made the file can still write it. */
async function keepCopy(key: string, file: string): Promise<void> {
  const copy = `${file}.kept`;
  await copyFile(file, copy, constants.COPYFILE_FICLONE);
  await keepMade("base", key, copy);
}

/** Not an error: this build has its tree and continues. */
function couldNotKeep(error: Error): void {
  process.stderr.write(`cannot save the base tree for other builds: ${error.message}\n`);
}

/** Digest of everything that the base tree is made from. */
export function baseTreeKey(
  variant: Pick<Variant, "arch" | "basePackages" | "releaseDate">,
  repositories: readonly Pick<Repository, "declaredUrl" | "digest" | "tag">[],
  appliance: Pick<Appliance, "digest">,
): string {
  const { arch, basePackages, releaseDate } = variant;
  const indexes = repositories.map(({ declaredUrl, digest, tag }) => [declaredUrl, digest, tag ?? ""]);
  const hash = createHash("sha256");
  hash.update(JSON.stringify([arch, basePackages, releaseDate, indexes, appliance.digest]));
  const all = guestScripts();
  for (const name of scripts) hash.update(all[name]!);
  return hash.digest("hex");
}

/**
 * The base tree for a key. If it has to be made, other builds that need it wait until it is ready.
 * @param scratch folder for an unfinished tree
 * @param useCache `false` always makes the tree, and does not share it
 */
export async function openBaseTree(key: string, scratch: string, useCache: boolean): Promise<BaseTree> {
  const nothing = (): Promise<void> => Promise.resolve();
  const release = useCache ? await takeFileLock(path.join(cacheFolder("base"), `${key}.lock`)) : nothing;
  const made = useCache ? await findMade("base", key) : undefined;
  if (made !== undefined) {
    await release();
    return { file: made, missing: false, keep: nothing, release: nothing };
  }
  const file = path.join(scratch, "base");
  writeFileSync(file, "");
  truncateSync(file, diskMib * 2 ** 20);
  return {
    file,
    missing: true,
    keep: async (bytes) => {
      // A length that the guest says. In a VM, the disk is longer than the tree.
      if (!Number.isSafeInteger(bytes) || bytes < smallestArchive || bytes > statSync(file).size) {
        throw new UserError(
          "guest-no-report",
          `the build guest says that it packed a base tree of ${bytes} bytes, which cannot be`,
          "check the console log for the cause",
        );
      }
      truncateSync(file, bytes);
      if (useCache) await keepCopy(key, file).catch(couldNotKeep);
      await release();
    },
    release,
  };
}
