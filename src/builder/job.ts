/** Makes job archives, which tell a build guest what to do. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { projectRoot } from "../lib/workspace.ts";
import { cpioArchive, type CpioEntry, parentFolders } from "./cpio.ts";
import type { Repository } from "./mirror.ts";
import type { Architecture } from "./qemu.ts";

/** What a build guest has to do. */
export interface Job {
  arch: Architecture;
  /** The script in guest/ that process 1 runs. */
  main: string;
  /** The guest's clock at its start, in seconds. */
  sourceDateEpoch: number;
  /** Public keys that apk in the guest trusts. */
  keyFiles: readonly string[];
  /** Names and values for the scripts. */
  variables: Readonly<Record<string, string>>;
  /** Further files under /job: path → content. */
  files?: Readonly<Record<string, string | Uint8Array>>;
}

/** Serial console of the build guest itself, which may differ from the image's. */
export const buildConsole: Record<Architecture, string> = { x86_64: "ttyS0", aarch64: "ttyAMA0" };

const guestFolder = path.join(import.meta.dirname, "guest");

/** The scripts in guest/, by their relative path. */
export function guestScripts(folder = guestFolder, prefix = ""): Record<string, Buffer> {
  const scripts: Record<string, Buffer> = {};
  for (const name of readdirSync(folder).sort()) {
    const file = path.join(folder, name);
    if (statSync(file).isDirectory()) Object.assign(scripts, guestScripts(file, `${prefix}${name}/`));
    else scripts[`${prefix}${name}`] = readFileSync(file);
  }
  return scripts;
}

/**
 * The job as a second initramfs archive: /init, /job/variables, the guest scripts, keys and files. What
 * depends on where it runs is added later: see `placeArchive`.
 */
export function jobArchive(job: Job): Buffer {
  const variables = {
    ARCH: job.arch,
    BUILD_CONSOLE: buildConsole[job.arch],
    MAIN: job.main,
    WORK: "/work",
    TARGET: "/work/target",
    TREE: "/work/tree",
    SOURCE_DATE_EPOCH: String(job.sourceDateEpoch),
    ...job.variables,
  };
  const { init, "init-namespace": initNamespace, ...scripts } = guestScripts();
  const files: Record<string, string | Uint8Array> = {
    variables: shellAssignments(variables),
    ...scripts,
    ...Object.fromEntries(
      job.keyFiles.map((file) => [
        `keys/${path.basename(file)}`,
        readFileSync(path.resolve(projectRoot, file)),
      ]),
    ),
    ...job.files,
  };
  const entries = Object.entries(files).map(([name, content]): CpioEntry => ({
    path: `job/${name}`,
    mode: 0o755,
    kind: "file",
    content: Buffer.from(content),
  }));
  return cpioArchive([
    { path: "init", mode: 0o755, kind: "file", content: init! },
    { path: "init-namespace", mode: 0o755, kind: "file", content: initNamespace! },
    ...parentFolders(entries.map((entry) => entry.path)),
    ...entries,
  ]);
}

/**
 * The files that depend on where the job runs, as one more archive: /job/place, /job/repositories.
 * @param place where the guest finds the package proxy and its disks
 */
export function placeArchive(
  repositories: readonly Pick<Repository, "tag">[],
  { proxy, disk, sharedDisk }: { proxy: string; disk: string; sharedDisk: string },
): Buffer {
  const lines = repositories.map(
    ({ tag }, index) => `${tag === undefined ? "" : `@${tag} `}http://${proxy}/${index}\n`,
  );
  const file = (name: string, text: string): CpioEntry => ({
    path: `job/${name}`,
    mode: 0o644,
    kind: "file",
    content: Buffer.from(text),
  });
  return cpioArchive([
    file("place", shellAssignments({ PROXY: proxy, DISK: disk, SHARED_DISK: sharedDisk })),
    file("repositories", lines.join("")),
  ]);
}

/** Exported assignments that a POSIX shell can source, whatever characters the values contain. */
export function shellAssignments(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      if (!/^[A-Z][A-Z0-9_]*$/.test(name)) throw new Error(`'${name}' is not a valid shell variable name`);
      return `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`;
    })
    .join("");
}
