/** Unpacks Alpine's package manager from a mirror, to run it on a host that is not Alpine. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readTar, verifyPackage } from "../src/builder/apk-archive.ts";
import { resolveDependencies } from "../src/builder/apk-index.ts";
import { fetchPackage, type MirrorSettings, openRepository } from "../src/builder/mirror.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { projectRoot } from "../src/lib/workspace.ts";

/** apk as a command of this host. */
export interface HostApk {
  /** A script that starts apk with musl's loader and libraries, whatever libc the host has. */
  command: string;
  /** A folder with the mirror's public keys. */
  keys: string;
}

/** Unpacks the apk of a variant's repositories into a folder, verified. Its architecture must be the host's. */
export async function unpackApk(
  { arch, repos }: Pick<Variant, "arch" | "repos">,
  mirror: MirrorSettings,
  folder: string,
): Promise<HostApk> {
  const urls = repos.filter(({ enabled }) => enabled).map(({ url }) => url);
  const repositories = await Promise.all(urls.map((url) => openRepository(mirror, url, arch)));
  const all = repositories.flatMap(({ entries }) => entries);
  const root = path.join(folder, "apk");
  for (const entry of resolveDependencies(all, ["apk-tools"], {})) {
    const repository = repositories.find(({ entries }) => entries.includes(entry))!;
    await unpack(await fetchPackage(mirror, repository, entry), entry.checksum, root);
  }
  const command = path.join(folder, "run-apk");
  const libraries = `${root}/lib:${root}/usr/lib`;
  const loader = `${root}/lib/ld-musl-${arch}.so.1`;
  const lines = ["#!/bin/sh", `exec '${loader}' --library-path '${libraries}' '${root}/sbin/apk' "$@"`];
  writeFileSync(command, `${lines.join("\n")}\n`, { mode: 0o755 });
  return { command, keys: copyKeys(mirror, path.join(folder, "keys")) };
}

async function unpack(archive: Buffer, checksum: string, root: string): Promise<void> {
  for (const { header, content } of await readTar(await verifyPackage(archive, checksum))) {
    const file = path.join(root, header.name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (header.type === "symlink") symlinkSync(header.linkname ?? "", file);
    else if (header.type === "file") writeFileSync(file, content, { mode: header.mode ?? 0o644 });
  }
}

function copyKeys({ keyFiles }: MirrorSettings, folder: string): string {
  mkdirSync(folder);
  for (const file of keyFiles)
    copyFileSync(path.resolve(projectRoot, file), path.join(folder, path.basename(file)));
  return folder;
}
