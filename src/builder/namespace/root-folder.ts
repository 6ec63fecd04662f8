/** Unpacks the root of a build guest in namespaces: what a guest in a VM finds in its initramfs. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readCpio } from "../cpio.ts";

/** What is mounted into the root, which is read-only itself. */
const mountPoints = ["dev", "proc", "tmp", "run", "work", "disks"];

/**
 * Writes the files of initramfs archives into a new folder. A file of a later archive replaces an earlier one.
 * @throws Error if an archive is damaged, or names a file outside of the folder
 */
export function unpackRoot(folder: string, archives: readonly Uint8Array[]): void {
  // The guest's users are strangers here, and nothing in the archives is secret.
  const before = process.umask(0o022);
  try {
    unpack(folder, archives);
  } finally {
    process.umask(before);
  }
}

function unpack(folder: string, archives: readonly Uint8Array[]): void {
  mkdirSync(folder);
  const made = new Set<string>();
  const links = new Set<string>();
  for (const archive of archives) {
    for (const { path: name, kind, mode, content } of readCpio(archive)) {
      if (
        name.split("/").some((_, index, parts) => index > 0 && links.has(parts.slice(0, index).join("/")))
      ) {
        throw new Error(`the cpio entry '${name}' goes through a link`);
      }
      const file = path.join(folder, name);
      if (kind === "directory") {
        mkdirSync(file, { recursive: true });
      } else if (kind === "file" || kind === "symlink") {
        if (made.has(file)) rmSync(file);
        made.add(file);
        mkdirSync(path.dirname(file), { recursive: true });
        links.delete(name);
        if (kind === "symlink") {
          symlinkSync(Buffer.from(content!).toString(), file);
          links.add(name);
          continue;
        }
        writeFileSync(file, content!, { flag: "wx" });
        chmodSync(file, (mode & 0o111) === 0 ? 0o644 : 0o755);
      }
    }
  }
  for (const name of mountPoints) mkdirSync(path.join(folder, name), { recursive: true });
}
