import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { Package, PackageInfo } from "./apk-package.ts";
import { alpineVersion, type DebianPackage } from "./debian.ts";
import { interpreterOf } from "./elf.ts";
import type { ArchitectureNames } from "./sources.ts";
import type { TreeEntry } from "./tar.ts";

/** Where Debian's C library and loader live in the image: private, so that musl and its libraries never mix with them. */
export const libraryDirectory = "usr/lib/debian";

const elfMagic = 0x7f454c46;

/** True for programs and shared libraries of the machine itself (GRUB's and SYSLINUX's modules are neither). */
export function isDynamicElf(path: string, content: Buffer): boolean {
  if (content.length < 64 || content.readUInt32BE(0) !== elfMagic || content[4] !== 2) return false;
  return interpreterOf(content) !== undefined || isLibrary(path);
}

/** True for the names that shared libraries have. */
export function isLibrary(path: string): boolean {
  return /\.so(\.\d+)*$/.test(path);
}

/**
 * Makes Debian's program find Debian's loader and libraries, for good: by its own interpreter and rpath and not by a
 * wrapper, because sshd re-executes itself. The same input gives the same bytes; results are cached by content.
 */
export async function usePrivateLoader(
  content: Buffer,
  names: ArchitectureNames,
  cache: string,
): Promise<Buffer> {
  const directory = join(cache, "patched");
  await mkdir(directory, { recursive: true });
  const digest = createHash("sha256").update(content).update(names.loader).digest("hex").slice(0, 32);
  const target = join(directory, digest);
  if ((await stat(target).catch(() => undefined)) === undefined) {
    const work = await mkdtemp(join(directory, "work-"));
    await writeFile(join(work, "program"), content, { mode: 0o755 });
    const loader = ["--set-interpreter", `/${libraryDirectory}/${names.loader}`];
    await execa("patchelf", [
      ...loader,
      "--force-rpath",
      "--set-rpath",
      `/${libraryDirectory}`,
      join(work, "program"),
    ]);
    await rename(join(work, "program"), target);
    await rm(work, { recursive: true });
  }
  return readFile(target);
}

/** The sonames that an ELF file needs. */
export async function neededLibraries(path: string): Promise<string[]> {
  const { stdout } = await execa("patchelf", ["--print-needed", path]);
  return stdout.split("\n").filter(Boolean);
}

export interface LibraryContext {
  names: ArchitectureNames;
  architecture: string;
  buildDate: number;
  /** soname → Debian package, from libraries.yaml. */
  packageOfLibrary: Map<string, string>;
  debian: Map<string, DebianPackage>;
}

/** The packages `debian-…` that provide the sonames; an unknown soname is an error that says where to name it. */
export function packagesOfLibraries(
  sonames: Iterable<string>,
  context: LibraryContext,
  neededBy: string,
): string[] {
  const packages = new Set<string>();
  for (const soname of sonames) {
    if (soname === context.names.loader) continue;
    const name = context.packageOfLibrary.get(soname);
    if (name === undefined) {
      throw new Error(`${neededBy} needs ${soname}: name the Debian package that has it in libraries.yaml`);
    }
    packages.add(`debian-${name}`);
  }
  return [...packages].sort();
}

/** Builds the package `debian-NAME` with the libraries that libraries.yaml lists for NAME, byte for byte Debian's. */
export async function buildLibraryPackage(name: string, context: LibraryContext): Promise<Package> {
  const source = context.debian.get(name);
  if (source === undefined) throw new Error(`library package ${name} was not unpacked`);
  const listed = [...context.packageOfLibrary]
    .filter(([, owner]) => owner === name)
    .map(([soname]) => soname);
  const sonames = name === "libc6" ? [...listed, context.names.loader] : listed;
  const files: TreeEntry[] = [];
  const needed = new Set<string>();
  for (const soname of sonames) {
    const path = await findLibrary(source.directory, soname, context.names.triplet);
    for (const other of await neededLibraries(path)) needed.add(other);
    const content = await readFile(path);
    files.push({ kind: "file", path: `${libraryDirectory}/${soname}`, mode: 0o755, uid: 0, gid: 0, content });
  }
  const depends = packagesOfLibraries(needed, context, name).filter((one) => one !== `debian-${name}`);
  return { info: libraryInfo(source, depends, context), scripts: {}, files };
}

function libraryInfo(source: DebianPackage, depends: string[], context: LibraryContext): PackageInfo {
  return {
    name: `debian-${source.name}`,
    version: alpineVersion(source.version),
    description: `libraries of Debian's ${source.name} ${source.version}, private to the offline kit's Debian programs`,
    url: `https://packages.debian.org/bookworm/${source.name}`,
    architecture: context.architecture,
    license: "custom",
    origin: `debian-${source.name}`,
    buildDate: context.buildDate,
    depends,
    provides: [],
    replaces: [],
    installIf: [],
    triggers: [],
  };
}

async function findLibrary(directory: string, soname: string, triplet: string): Promise<string> {
  for (const place of [`lib/${triplet}`, `usr/lib/${triplet}`]) {
    const path = await realpath(join(directory, place, soname)).catch(() => undefined);
    if (path !== undefined) return path;
  }
  throw new Error(`${directory} has no ${soname}; libraries.yaml names the wrong Debian package for it`);
}
