import { createHash } from "node:crypto";
import { truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Variant } from "../configuration/variant.ts";
import { takeFileLock } from "../lib/file-lock.ts";
import { cacheFolder } from "../lib/workspace.ts";
import type { Appliance } from "./appliance.ts";
import { guestScripts } from "./job.ts";
import { findMade, keepMade } from "./made-files.ts";
import type { Repository } from "./mirror.ts";

/**
 * The disk with the packed tree that images share whatever their bootstrap and cloud. Every build unpacks it, whether
 * it was there or is made by the build itself: so an image has the same bytes either way.
 */
export interface BaseTree {
  /** The disk's file. */
  file: string;
  /** Whether the guest has to make it. */
  missing: boolean;
  /**
   * The guest has made it: others can have it from now on.
   * @param bytes length of the archive on the disk
   */
  keep(bytes: number): Promise<void>;
  /** To be called at the end, whatever that is: others who wait for this tree make it themselves. */
  release(): Promise<void>;
}

/** More than a base tree comes to, however small the image's disk; what is not written takes no room. */
const diskMib = 8 * 1024;

/** Scripts that decide what is in the tree. */
const scripts = ["init", "install-base", "tree-functions"];

/** The build has its tree all the same, and goes on with it. */
function couldNotKeep(error: Error): void {
  process.stderr.write(`the base tree could not be kept for other builds: ${error.message}\n`);
}

/** Digest of all that the base tree is made from. */
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
 * The base tree of that key; when it has to be made, others who want it wait until it is.
 * @param scratch where an unfinished one lies
 * @param useCache `false` makes it in any case, and keeps it to the one build
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
    // The guest has it open and goes on reading it: a move leaves it that.
    keep: async (bytes) => {
      truncateSync(file, bytes);
      if (useCache) await keepMade("base", key, file).catch(couldNotKeep);
      await release();
    },
    release,
  };
}
