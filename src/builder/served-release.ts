/** Finds the release of an Alpine version that a mirror serves, from its verified index. A branch has only the newest. */
import { UserError } from "../lib/user-error.ts";
import type { IndexEntry } from "./apk-index.ts";
import { officialMirrorUrl } from "../lib/official-mirror.ts";
import { type MirrorSettings, openRepository } from "./mirror.ts";

export interface ServedRelease {
  /** `3.23.6`, `3.24.0_rc1`. */
  release: string;
  /** When its alpine-base package was built: YYYY-MM-DD. */
  date: string;
}

/**
 * The release of a version that a mirror currently serves for an architecture.
 * @param version `3.23`; edge has no releases
 * @throws UserError if the index cannot be fetched or verified, or has no release
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

/** The release of an index; undefined if it has no alpine-base package. */
export function releaseIn(entries: readonly IndexEntry[]): ServedRelease | undefined {
  const base = entries.find(({ name }) => name === "alpine-base");
  return (
    base && {
      release: base.version.replace(/-r\d+$/, ""),
      date: new Date(base.buildTime * 1000).toISOString().slice(0, 10),
    }
  );
}
