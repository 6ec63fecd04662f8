import { createHash } from "node:crypto";
import { truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Variant } from "../../configs/variant.ts";
import { digestOfFile } from "../lib/digest.ts";
import { takeFileLock } from "../lib/file-lock.ts";
import { UserError } from "../lib/user-error.ts";
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
   * @param sha256 of the archive, as the guest wrote it
   * @throws UserError when it did not get to the file whole, for a full disk above all
   */
  keep(bytes: number, sha256: string): Promise<void>;
  /** To be called at the end, whatever that is: others who wait for this tree make it themselves. */
  release(): Promise<void>;
}

/** More than a base tree comes to, however small the image's disk; what is not written takes no room. */
const diskMib = 8 * 1024;

/** Scripts that decide what is in the tree. */
const scripts = ["init", "install-base", "tree-functions"];

/** The build has its tree all the same, and goes on with it. */
function tryToKeep(key: string, file: string, sha256: string): void {
  try {
    keepMade("base", key, file, sha256);
  } catch (error) {
    process.stderr.write(`the base tree could not be kept for other builds: ${(error as Error).message}\n`);
  }
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
    keep: async (bytes, sha256) => {
      truncateSync(file, bytes);
      // The build goes on with what is in the file: it is no better than others.
      if ((await digestOfFile(file, "sha256")) !== sha256)
        throw new UserError(
          `the base tree is not what the build guest packed: this machine's disk was full, or fails, for ${file}`,
          "make room there, look for errors of the disk in the kernel's log, then run it again",
        );
      if (useCache) tryToKeep(key, file, sha256);
      await release();
    },
    release,
  };
}
