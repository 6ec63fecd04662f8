/** Makes the offline Alpine mirror; see ../README.md for what in it is real and what is not. */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command, Option } from "commander";
import type { MirrorManifest } from "./build-mirror.ts";

const here = import.meta.dirname;
const architectures = ["x86_64", "aarch64"] as const;
const hostArchitecture = process.arch === "arm64" ? "aarch64" : "x86_64";
/** Where stack `dev` and the tests have it. */
const kitFolder = resolve(here, "../../.tools/offline/mirror");

export interface MirrorOptions {
  /** The directory that will be served. */
  out: string;
  architecture: (typeof architectures)[number];
  /** Alpine release, one of sources.yaml. */
  release: string;
  /** Where downloads are kept; beside `out` when absent. */
  cache?: string;
  log?: (line: string) => void;
}

/** Makes the mirror, or does nothing when the same one is there. Returns its manifest. */
export async function makeMirror(options: MirrorOptions): Promise<MirrorManifest> {
  const log = options.log ?? console.log;
  const out = resolve(options.out);
  const started = Date.now();
  const recipe = await recipeDigest(options);
  const known = await readManifest(out, options.architecture);
  const what = `offline mirror, Alpine ${options.release} ${options.architecture}`;
  if (known?.recipe === recipe) {
    log(`${what}: up to date, ${String(known.packages.length)} packages in ${out}`);
    return known;
  }
  await mkdir(dirname(out), { recursive: true });
  // only now: the usual run finds everything done, and should not wait for what it does not use
  const [{ buildMirror }, { default: lockfile }] = await Promise.all([
    import("./build-mirror.ts"),
    import("proper-lockfile"),
  ]);
  const release = await lockfile.lock(dirname(out), {
    lockfilePath: `${out}.lock`,
    stale: 60_000,
    retries: { retries: 600, minTimeout: 1000, maxTimeout: 1000, factor: 1 },
  });
  try {
    const meanwhile = await readManifest(out, options.architecture);
    if (meanwhile?.recipe === recipe) return meanwhile;
    const manifest = await buildMirror({ ...options, out, log }, recipe);
    log(`${what}: ${String(manifest.packages.length)} packages in ${out}, ${seconds(started)}`);
    return manifest;
  } finally {
    await release();
  }
}

/** Digest of all files of this directory that decide the mirror's content, and of the options. */
async function recipeDigest({ release, architecture }: MirrorOptions): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify({ release, architecture }));
  const entries = await readdir(here, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths.sort()) {
    if (/(\.(test|e2e)\.ts|\.md)$/.test(path) || path === join(here, "serve.ts")) continue;
    const content = await readFile(path);
    hash.update(`${path.slice(here.length)} ${String(content.length)}\n`).update(content);
  }
  return hash.digest("hex");
}

async function readManifest(out: string, architecture: string): Promise<MirrorManifest | undefined> {
  const text = await readFile(join(out, `manifest-${architecture}.json`), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as MirrorManifest);
}

const seconds = (started: number): string => `${((Date.now() - started) / 1000).toFixed(1)} s`;

async function main(): Promise<void> {
  const program = new Command("make")
    .description("Makes a signed Alpine package mirror from what package registries carry")
    .option("--out <directory>", "the directory that will be served", kitFolder)
    .addOption(new Option("--arch <name>", "architecture").choices(architectures).default(hostArchitecture))
    .option("--release <x.y.z>", "Alpine release", "3.23.6")
    .option("--cache <directory>", "where downloads are kept (default: beside the mirror)")
    .parse();
  const given = program.opts<{
    out: string;
    arch: MirrorOptions["architecture"];
    release: string;
    cache?: string;
  }>();
  const cache = given.cache === undefined ? {} : { cache: given.cache };
  await makeMirror({ out: given.out, architecture: given.arch, release: given.release, ...cache });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main().catch((error: unknown) => {
    console.error(`offline mirror: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
