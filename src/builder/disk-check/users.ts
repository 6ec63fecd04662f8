/** Checks accounts, logins and file permissions. */
import { type Check, contains, equal, none } from "../../lib/checks.ts";
import type { DiskFacts, PathFact } from "../disk-reader/facts.ts";
import type { ExpectedDisk } from "./check-facts.ts";

/** Programs that are not shells: an account with one of them cannot log in. */
const noShell = /\/(nologin|false|true|sync|shutdown|halt)$/;

/** Required permissions of sensitive files and folders. */
const exactModes: Record<string, string> = {
  ".": "755 root:root",
  etc: "755 root:root",
  root: "700 root:root",
  tmp: "1777 root:root",
  "var/tmp": "1777 root:root",
  "etc/passwd": "644 root:root",
  "etc/group": "644 root:root",
  "etc/shadow": "640 root:shadow",
  "etc/apk/repositories": "644 root:root",
  "etc/doas.d/wheel.conf": "440 root:root",
  "etc/sudoers.d/wheel": "440 root:root",
};

export function userChecks(facts: DiskFacts, { variant: { login } }: ExpectedDisk): Check[] {
  const accounts = readAccounts(facts);
  return [
    ...accountChecks(accounts, login),
    ...loginChecks(facts, accounts, login),
    ...permissionChecks(facts, accounts),
    ...fileChecks(facts, accounts),
  ];
}

/** The users and groups from the files in /etc, one record per line. */
interface Accounts {
  users: readonly (readonly string[])[];
  groups: readonly (readonly string[])[];
  passwords: ReadonlyMap<string, string>;
  userNames: ReadonlyMap<number, string>;
  groupNames: ReadonlyMap<number, string>;
}

function readAccounts({ texts }: DiskFacts): Accounts {
  const records = (path: string): string[][] => (texts.get(path) ?? []).map((line) => line.split(":"));
  // If several names share a number, the first one counts.
  const names = (list: string[][]): Map<number, string> =>
    new Map(list.toReversed().map(([name, , id]) => [Number(id), name!]));
  const users = records("etc/passwd");
  const groups = records("etc/group");
  return {
    users,
    groups,
    passwords: new Map(records("etc/shadow").map(([name, password]) => [name!, password ?? ""])),
    userNames: names(users),
    groupNames: names(groups),
  };
}

function accountChecks({ users, passwords }: Accounts, login: string): Check[] {
  const locked = (name: string): boolean => passwords.get(name)?.startsWith("!") ?? false;
  return [
    { name: "root is locked", passed: locked("root"), found: locked("root") ? "locked" : "not locked" },
    contains(
      "users who can log in",
      users
        .filter(([name, , , , , , program]) => !noShell.test(program ?? "") && !locked(name!))
        .map(([name]) => name!),
      [login],
      { others: false },
    ),
    // "*" allows login by key only, "!" no login. Anything else is a password, which is never shown.
    none(
      "users with a password",
      users.map(([name]) => name!).filter((name) => !/^[!*]/.test(passwords.get(name) ?? "")),
    ),
    contains(
      "users who are root",
      users.filter(([, , id]) => Number(id) === 0).map(([name]) => name!),
      ["root"],
      { others: false },
    ),
  ];
}

function loginChecks(
  { paths }: DiskFacts,
  { users, groups, passwords, groupNames }: Accounts,
  login: string,
): Check[] {
  const [, , uid, gid, , home, shell] = users.find(([name]) => name === login) ?? [];
  const homeFolder = paths.get(home?.slice(1) ?? "");
  const memberships = groups
    .filter(([, , , members]) => members?.split(",").includes(login))
    .map(([name]) => name!);
  return [
    equal("password of the login user", passwords.get(login) === "*" ? "none" : "other", "none"),
    {
      name: "numbers of the login user",
      passed: Number(uid) >= 1000 && groupNames.get(Number(gid)) === login,
      found: `user ${uid ?? "none"}, group ${groupNames.get(Number(gid)) ?? "none"}; wanted: a user from 1000 on, a group ${login}`,
    },
    contains("groups of the login user", memberships, ["wheel"], { others: true }),
    equal("shell of the login user", paths.has(shell?.slice(1) ?? "") ? "there" : shell, "there"),
    equal(
      "home of the login user",
      `${home} ${homeFolder?.kind} ${homeFolder?.uid}:${homeFolder?.gid} ${((homeFolder?.mode ?? 0) & 0o022).toString(8)}`,
      `/home/${login} folder ${uid}:${gid} 0`,
    ),
  ];
}

function permissionChecks({ paths }: DiskFacts, { userNames, groupNames }: Accounts): Check[] {
  return Object.entries(exactModes)
    .filter(([path]) => paths.has(path) || !/wheel/.test(path))
    .map(([path, wanted]) => {
      const fact = paths.get(path);
      const owner = `${userNames.get(fact?.uid ?? -1)}:${groupNames.get(fact?.gid ?? -1)}`;
      return equal(
        `permissions of /${path === "." ? "" : path}`,
        fact && `${fact.mode.toString(8)} ${owner}`,
        wanted,
      );
    });
}

/** Checks for files that must not exist. */
function fileChecks({ paths, owned }: DiskFacts, { userNames, groupNames }: Accounts): Check[] {
  const matching = (test: (fact: PathFact, path: string) => boolean): string[] =>
    [...paths].filter(([path, fact]) => test(fact, path)).map(([path]) => `/${path}`);
  return [
    none(
      "files that anybody can write",
      matching(
        ({ kind, mode }, path) =>
          kind !== "link" && (mode & 0o002) !== 0 && !["tmp", "var/tmp", "dev/shm"].includes(path),
      ),
    ),
    none(
      "set-uid or set-gid files that belong to no package",
      matching(({ kind, mode }, path) => kind === "file" && (mode & 0o6000) !== 0 && !owned.has(path)),
    ),
    none(
      "files of users and groups that do not exist",
      matching(({ uid, gid }) => !userNames.has(uid) || !groupNames.has(gid)),
    ),
    none(
      "initramfs that others can read",
      matching(({ mode }, path) => path.startsWith("boot/initramfs-") && (mode & 0o077) !== 0),
    ),
    none(
      "devices, sockets and pipes",
      matching(({ kind }) => kind === "other"),
    ),
  ];
}
