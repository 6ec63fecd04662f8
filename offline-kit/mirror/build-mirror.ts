import { cp, mkdir, rm, rename, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import pLimit from "p-limit";
import { stringify } from "yaml";
import { writeIndex } from "./apk-index.ts";
import { writePackage, type Package, type WrittenPackage } from "./apk-package.ts";
import { openDebianArchive } from "./debian.ts";
import { buildLibraryPackage, type LibraryContext } from "./debian-programs.ts";
import type { MirrorOptions } from "./make.ts";
import { buildRecipe, substitute } from "./recipe-build.ts";
import { readRecipes, type Recipe } from "./recipes.ts";
import { repackageRoot } from "./repackage.ts";
import { loadOrCreateKey, type SigningKey } from "./signing.ts";
import { readLibraries, readSources, type Architecture, type Sources } from "./sources.ts";
import { unpackSourceRoot } from "./source-root.ts";

const here = import.meta.dirname;

type Kind = "repackaged" | Recipe["kind"] | "debian-library";
type Repository = "main" | "community";
interface MirrorPackage {
  kind: Kind;
  repository: Repository;
  built: Package;
}

/** What `manifest-ARCH.json` in the mirror says. */
export interface MirrorManifest {
  /** Digest of everything that decides the content; the same digest means there is nothing to do. */
  recipe: string;
  release: string;
  architecture: Architecture;
  packages: { name: string; version: string; kind: Kind; repository: Repository; description: string }[];
}

/** Builds the mirror anew, beside `out`, and puts it there when it is whole. */
export async function buildMirror(
  options: MirrorOptions & { log: (line: string) => void },
  recipe: string,
): Promise<MirrorManifest> {
  const { out, architecture, release, log } = options;
  const cache = options.cache ?? join(dirname(out), `${basename(out)}-cache`);
  await mkdir(cache, { recursive: true });
  const sources = await readSources(join(here, "sources.yaml"));
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = Date.now();
    const result = await work();
    log(`  ${name}: ${seconds(started)}`);
    return result;
  };
  const root = await step("unpack the Alpine root of the wheel", () =>
    unpackSourceRoot(wheelSource(sources, release, architecture), cache),
  );
  const alpine = await step("verify and take apart its packages", () =>
    repackageRoot(root, sources.restorations),
  );
  const others = await step("take programs from Debian, stand-ins from here", () =>
    buildOthers(sources, options, cache, Math.max(...alpine.map(({ info }) => info.buildDate))),
  );
  const packages = [...alpine.map((built) => repackaged(built, sources)), ...others];
  refuseDuplicates(packages);
  const key = await loadOrCreateKey(join(dirname(out), `${basename(out)}-key`));
  const work = `${out}.new-${String(process.pid)}`;
  await rm(work, { recursive: true, force: true });
  try {
    if (await exists(out)) await cp(out, work, { recursive: true });
    await rm(join(work, "keys"), { recursive: true, force: true });
    await mkdir(join(work, "keys"), { recursive: true });
    await writeFile(join(work, "keys", key.name), key.publicPem);
    await step(`write and sign ${String(packages.length)} packages`, () =>
      writeRepositories(packages, join(work, `v${branchOf(release)}`), architecture, release, key),
    );
    await writeReleases(work, release, architecture);
    const manifest = manifestOf(packages, recipe, release, architecture);
    await writeFile(
      join(work, `manifest-${architecture}.json`),
      JSON.stringify(manifest, undefined, 2) + "\n",
    );
    await replaceDirectory(work, out);
    return manifest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function wheelSource(sources: Sources, release: string, architecture: Architecture) {
  const source = sources.releases[release];
  if (source === undefined) {
    throw new Error(
      `no source for Alpine ${release}; sources.yaml has ${Object.keys(sources.releases).join(", ")}`,
    );
  }
  const imageArchitecture = sources.architectures[architecture].image;
  const sha256 = source.sha256[architecture];
  return { wheel: sources.wheel, version: source.wheelVersion, sha256, architecture, imageArchitecture };
}

function repackaged(built: Package, sources: Sources): MirrorPackage {
  const repository = sources.community.includes(built.info.name) ? "community" : "main";
  return { kind: "repackaged", repository, built };
}

/** Everything that is not Alpine's own: Debian's programs, the Debian libraries they need, stand-ins. */
async function buildOthers(
  sources: Sources,
  { architecture, release }: MirrorOptions,
  cache: string,
  buildDate: number,
): Promise<MirrorPackage[]> {
  const names = sources.architectures[architecture];
  const recipes = (await readRecipes(join(here, "packages"))).filter((one) =>
    one.architectures.includes(architecture),
  );
  const packageOfLibrary = await readLibraries(join(here, "libraries.yaml"));
  const wanted = new Set(packageOfLibrary.values());
  for (const { debian, take } of recipes) {
    for (const name of [...(debian === undefined ? [] : [debian]), ...Object.keys(take)]) {
      wanted.add(substitute(name, { names }));
    }
  }
  const archive = await openDebianArchive(names.debian, cache);
  const debian = await archive.unpack([...wanted].sort());
  const context = { names, architecture, release, buildDate, packageOfLibrary, debian, cache };
  const result: MirrorPackage[] = [];
  for (const recipe of recipes) {
    result.push({
      kind: recipe.kind,
      repository: recipe.repository,
      built: await buildRecipe(recipe, context),
    });
  }
  return [...result, ...(await buildNeededLibraries(result, context))];
}

/** The library packages that the given packages need, and those that these need in turn. */
async function buildNeededLibraries(
  users: readonly MirrorPackage[],
  context: LibraryContext,
): Promise<MirrorPackage[]> {
  const ownNames = new Set(users.map(({ built }) => built.info.name));
  const libraryOf = ({ info }: Package): string[] => {
    const wanted = info.depends.filter((one) => one.startsWith("debian-") && !ownNames.has(one));
    return wanted.map((one) => one.slice("debian-".length));
  };
  const built = new Map<string, Package>();
  const open = users.flatMap((one) => libraryOf(one.built));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (built.has(name)) continue;
    const library = await buildLibraryPackage(name, context);
    built.set(name, library);
    open.push(...libraryOf(library));
  }
  return [...built.values()].map((one) => ({ kind: "debian-library", repository: "main", built: one }));
}

function refuseDuplicates(packages: readonly MirrorPackage[]): void {
  const seen = new Set<string>();
  for (const { built } of packages) {
    if (seen.has(built.info.name)) throw new Error(`two packages are called ${built.info.name}`);
    seen.add(built.info.name);
  }
}

async function writeRepositories(
  packages: readonly MirrorPackage[],
  branchDirectory: string,
  architecture: Architecture,
  release: string,
  key: SigningKey,
): Promise<void> {
  const limit = pLimit(3);
  for (const repository of ["main", "community"] as const) {
    const directory = join(branchDirectory, repository, architecture);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    const own = packages.filter((one) => one.repository === repository);
    const write = async ({ built }: MirrorPackage): Promise<WrittenPackage> => {
      const written = await writePackage(built, key);
      await writeFile(join(directory, written.fileName), written.bytes);
      return written;
    };
    const written = await Promise.all(own.map((one) => limit(() => write(one))));
    const index = await writeIndex(written, `${repository} v${release} offline kit`, key);
    await writeFile(join(directory, "APKINDEX.tar.gz"), index);
  }
}

/** What release tools read; only the fields that say which release a branch serves. */
async function writeReleases(out: string, release: string, architecture: Architecture): Promise<void> {
  const directory = join(out, `v${branchOf(release)}`, "releases", architecture);
  await mkdir(directory, { recursive: true });
  const entry = {
    branch: `v${branchOf(release)}`,
    arch: architecture,
    version: release,
    flavor: "alpine-offline-kit",
  };
  await writeFile(join(directory, "latest-releases.yaml"), stringify([entry]));
}

function manifestOf(
  packages: MirrorPackage[],
  recipe: string,
  release: string,
  architecture: Architecture,
): MirrorManifest {
  const rows = packages.map(({ kind, repository, built: { info } }) => ({
    name: info.name,
    version: info.version,
    kind,
    repository,
    description: info.description,
  }));
  return {
    recipe,
    release,
    architecture,
    packages: rows.sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

/** Puts `fresh` in the place of `target`; who looks sees one or the other, or for an instant nothing, never a mixture. */
async function replaceDirectory(fresh: string, target: string): Promise<void> {
  const old = `${target}.old-${String(process.pid)}`;
  const had = await exists(target);
  if (had) await rename(target, old);
  await rename(fresh, target);
  if (had) await rm(old, { recursive: true, force: true });
}

const branchOf = (release: string): string => release.split(".").slice(0, 2).join(".");
const seconds = (started: number): string => `${((Date.now() - started) / 1000).toFixed(1)} s`;
const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;
