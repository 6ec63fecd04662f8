import { lstat, readFile, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "../../src/lib/defined.ts";
import type { Package } from "./apk-package.ts";
import { alpineVersion } from "./debian.ts";
import {
  isDynamicElf,
  isLibrary,
  neededLibraries,
  packagesOfLibraries,
  usePrivateLoader,
  type LibraryContext,
} from "./debian-programs.ts";
import type { Recipe } from "./recipes.ts";
import type { TreeEntry } from "./tar.ts";

export interface RecipeContext extends LibraryContext {
  /** Alpine release; recipes write @release for it. */
  release: string;
  cache: string;
}

const programDirectories = /^(usr\/)?s?bin\/[^/]+$/;

/** Builds the package that a recipe describes. */
export async function buildRecipe(recipe: Recipe, context: RecipeContext): Promise<Package> {
  const entries = new Map<string, TreeEntry>();
  const needed = new Set<string>();
  for (const [name, paths] of Object.entries(recipe.take)) {
    const source = debianPackage(substitute(name, context), context);
    for (const [from, to] of Object.entries(paths)) {
      for (const taken of await takePath(
        source.directory,
        substitute(from, context),
        substitute(to, context),
      )) {
        const { entry } = taken;
        if (recipe.omit.some((pattern) => new RegExp(pattern).test(entry.path))) continue;
        entries.set(entry.path, entry);
        if (entry.kind !== "file" || !isDynamicElf(entry.path, entry.content)) continue;
        for (const soname of await neededLibraries(taken.source)) needed.add(soname);
        if (isLibrary(entry.path)) continue;
        entry.content = await usePrivateLoader(entry.content, context.names, context.cache);
      }
    }
  }
  for (const [name, source] of Object.entries(recipe.files)) {
    const path = substitute(name, context);
    const content = await readFile(source);
    const mode = content.subarray(0, 2).toString() === "#!" ? 0o755 : 0o644;
    entries.set(path, { kind: "file", path, mode, uid: 0, gid: 0, content });
  }
  for (const [path, target] of Object.entries(recipe.symlinks)) {
    entries.set(path, { kind: "symlink", path, mode: 0o777, uid: 0, gid: 0, target });
  }
  for (const [path, { mode, owner, group }] of Object.entries(recipe.directories)) {
    const names = { ...(owner ? { userName: owner } : {}), ...(group ? { groupName: group } : {}) };
    entries.set(path, { kind: "directory", path, mode: Number.parseInt(mode, 8), uid: 0, gid: 0, ...names });
  }
  applyModes(recipe, entries);
  applyEdits(recipe, entries);
  const version = versionOf(recipe, context);
  const libraries = packagesOfLibraries(needed, context, `package ${recipe.name}`);
  return {
    info: infoOf(recipe, version, libraries, [...entries.values()], context),
    scripts: recipe.scripts,
    files: [...entries.values()],
  };
}

function infoOf(
  recipe: Recipe,
  version: string,
  libraries: string[],
  files: TreeEntry[],
  context: RecipeContext,
): Package["info"] {
  const own = (values: string[]): string[] => values.map((value) => value.replaceAll("@version", version));
  const commands = files
    .filter(({ kind, path }) => kind !== "directory" && programDirectories.test(path))
    .map(({ path }) => `cmd:${path.slice(path.lastIndexOf("/") + 1)}=${version}`);
  return {
    name: recipe.name,
    version,
    description: describe(recipe, context),
    url: recipe.url,
    architecture: context.architecture,
    license: recipe.license,
    origin: recipe.origin ?? recipe.name,
    buildDate: context.buildDate,
    depends: [...own(recipe.depends), ...libraries],
    provides: [...own(recipe.provides), ...new Set(commands)].sort(),
    replaces: recipe.replaces,
    installIf: own(recipe.installIf),
    triggers: recipe.triggers,
    ...defined({ providerPriority: recipe.providerPriority }),
  };
}

function describe(recipe: Recipe, context: RecipeContext): string {
  if (recipe.debian === undefined) return recipe.description;
  const { name, version } = debianPackage(substitute(recipe.debian, context), context);
  return `${recipe.description} (offline kit: Debian's ${name} ${version})`;
}

function versionOf(recipe: Recipe, context: RecipeContext): string {
  if (recipe.debian === undefined) return (recipe.version ?? "0").replaceAll("@release", context.release);
  return alpineVersion(debianPackage(substitute(recipe.debian, context), context).version);
}

function debianPackage(name: string, context: RecipeContext) {
  const found = context.debian.get(name);
  if (found === undefined) throw new Error(`Debian package ${name} was not unpacked`);
  return found;
}

/** Puts this machine's names in for @debian, @grub and @triplet. */
export function substitute(value: string, { names }: Pick<RecipeContext, "names">): string {
  return value
    .replaceAll("@debian", names.debian)
    .replaceAll("@grub", names.grub)
    .replaceAll("@triplet", names.triplet);
}

interface TakenEntry {
  entry: TreeEntry;
  /** Where it lies in the unpacked Debian package. */
  source: string;
}

async function takePath(directory: string, from: string, to: string): Promise<TakenEntry[]> {
  const source = join(directory, from);
  const status = await lstat(source).catch(() => undefined);
  if (status === undefined) throw new Error(`${directory} has no /${from}, which a recipe takes`);
  const common = { path: to, mode: status.mode & 0o7777, uid: 0, gid: 0 };
  if (status.isSymbolicLink()) {
    const target = await readlink(source);
    return [{ source, entry: { ...common, mode: 0o777, kind: "symlink", target } }];
  }
  if (status.isFile())
    return [{ source, entry: { ...common, kind: "file", content: await readFile(source) } }];
  const taken: TakenEntry[] = [{ source, entry: { ...common, kind: "directory" } }];
  for (const name of (await readdir(source)).sort()) {
    taken.push(...(await takePath(directory, `${from}/${name}`, `${to}/${name}`)));
  }
  return taken;
}

function applyModes(recipe: Recipe, entries: Map<string, TreeEntry>): void {
  for (const [path, mode] of Object.entries(recipe.modes)) {
    const entry = entries.get(path);
    if (entry === undefined)
      throw new Error(`recipe ${recipe.name}: 'modes' names /${path}, which it does not have`);
    entry.mode = Number.parseInt(mode, 8);
  }
}

function applyEdits(recipe: Recipe, entries: Map<string, TreeEntry>): void {
  for (const [path, edits] of Object.entries(recipe.edits)) {
    const entry = entries.get(path);
    if (entry?.kind !== "file")
      throw new Error(`recipe ${recipe.name}: 'edits' names /${path}, which is no file of it`);
    let content = entry.content.toString("utf8");
    for (const [from, to] of edits) {
      if (!content.includes(from))
        throw new Error(`recipe ${recipe.name}: /${path} does not contain '${from}'`);
      content = content.replaceAll(from, to);
    }
    entry.content = Buffer.from(content);
  }
}
