/** Finds the user and group ids that build guests in namespaces may have. */
import { readFileSync } from "node:fs";
import os from "node:os";

/** Ids of a guest: images have files of users up to 65534, `nobody`. */
export const guestIds = 65_536;

/**
 * Where root takes a guest's ids from if /etc/subuid says nothing: the last of the ids that systemd sets aside for
 * containers (https://systemd.io/UIDS-GIDS/).
 */
const firstForRoot = 0x6fff0000;

/** A range of ids on the host. */
export interface IdRange {
  first: number;
  count: number;
}

/** The ids of a guest's users and groups: the first of each. */
export interface GuestIds {
  user: number;
  group: number;
}

/**
 * The largest range that a file gives to a user.
 * @param text the content of /etc/subuid or /etc/subgid: lines of the form `name-or-id:first:count`
 */
export function largestRange(text: string, user: { name: string; id: number }): IdRange | undefined {
  return text
    .split("\n")
    .flatMap((line): IdRange[] => {
      const [, owner, first, count] = /^([^:#]+):(\d+):(\d+)$/.exec(line.trim()) ?? [];
      return owner === user.name || owner === String(user.id)
        ? [{ first: Number(first), count: Number(count) }]
        : [];
    })
    .toSorted((left, right) => right.count - left.count)[0];
}

/** Whether a process whose namespace has these ids can give a guest the range. @param map the content of /proc/self/uid_map */
export function hasIds(map: string, { first, count }: IdRange): boolean {
  return map.split("\n").some((line) => {
    const [inside, , length] = line.trim().split(/\s+/).map(Number);
    return inside! <= first && first + count <= inside! + length!;
  });
}

/** The current user's ranges in /etc/subuid and /etc/subgid. Root has one even if they name none. */
export function rangesOfUser(): { user: IdRange | undefined; group: IdRange | undefined } {
  const { username: name, uid: id } = os.userInfo();
  const rootsRange = id === 0 ? { first: firstForRoot, count: guestIds } : undefined;
  const [user, group] = ["/etc/subuid", "/etc/subgid"].map(
    (file) => largestRange(textOf(file), { name, id }) ?? rootsRange,
  );
  return { user, group };
}

/** A file's text, or nothing if it cannot be read. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
