/** The users that build guests in namespaces are tested as. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../helpers/temporary.ts";

/** An id that no user of the machine has. */
const ordinary = 64_321;

export interface User {
  name: string;
  /** A command that runs another one as this user, with its own /etc/subuid. */
  become: readonly string[];
}

/** Root and an ordinary user; only the latter if this is one. */
export function users(): User[] {
  if (process.getuid!() !== 0) return [{ name: "an ordinary user", become: [] }];
  const folder = temporaryFolder();
  const etc = (name: string, line: string): string => {
    const file = join(folder, name);
    writeFileSync(file, line);
    return `mount --bind ${file} /etc/${name}`;
  };
  const passwd = readFileSync("/etc/passwd", "utf8");
  const script = [
    "set -e",
    etc("passwd", `${passwd}builder:x:${ordinary}:${ordinary}::/nonexistent:/bin/sh\n`),
    etc("subuid", `builder:700000:65536\n`),
    etc("subgid", `builder:700000:65536\n`),
    `exec setpriv --reuid=${ordinary} --regid=${ordinary} --clear-groups -- "$@"`,
  ].join("\n");
  return [
    { name: "root", become: [] },
    {
      name: "an ordinary user",
      become: ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "become"],
    },
  ];
}

/** Makes a folder and everything in it a user's. */
export function giveTo({ become }: User, folder: string): void {
  if (process.getuid!() !== 0) return;
  const owner = become.length === 0 ? 0 : ordinary;
  execFileSync("chown", ["--recursive", "--no-dereference", `${owner}:${owner}`, folder]);
}
