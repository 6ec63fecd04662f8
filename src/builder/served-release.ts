/** The release that a mirror serves of an Alpine version, from its verified index: a branch has only its newest. */
import { UserError } from "../lib/user-error.ts";
import type { IndexEntry } from "./apk-index.ts";
import { type MirrorSettings, officialMirrorUrl, openRepository } from "./mirror.ts";

export interface ServedRelease {
  /** `3.23.6`, `3.24.0_rc1`. */
  release: string;
  /** YYYY-MM-DD: when its package was built. */
  date: string;
}

/**
 * What a mirror serves of a version for an architecture now.
 * @param version `3.23`; edge has no releases
 * @throws UserError where the index cannot be had or believed, or has no release
 */
export async function servedRelease(
  mirror: MirrorSettings,
  version: string,
  arch: string,
): Promise<ServedRelease> {
  const { entries } = await openRepository(mirror, `${officialMirrorUrl}/v${version}/main`, arch);
  const found = releaseIn(entries);
  if (found !== undefined) return found;
  throw new UserError(
    "mirror-incomplete",
    `mirror ${mirror.url} has no alpine-base in its ${version} branch for ${arch}`,
    "use a complete mirror",
  );
}

/** The release that an index is of; undefined where it has none of the packages that say so. */
export function releaseIn(entries: readonly IndexEntry[]): ServedRelease | undefined {
  const base = entries.find(({ name }) => name === "alpine-base");
  return (
    base && {
      release: base.version.replace(/-r\d+$/, ""),
      date: new Date(base.buildTime * 1000).toISOString().slice(0, 10),
    }
  );
}
