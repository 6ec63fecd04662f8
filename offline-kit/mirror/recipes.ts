import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { scriptNames, type Package } from "./apk-package.ts";

const text = z.string().min(1);
const list = z.array(text).default([]);

const recipeSchema = z.strictObject({
  description: text,
  license: text,
  repository: z.enum(["main", "community"]).default("main"),
  origin: text.optional(),
  url: text.default("https://gitlab.alpinelinux.org/alpine/aports"),
  /** Only of stand-ins and meta packages; a Debian package brings its own. */
  version: text.optional(),
  /** The Debian package that gives the version. */
  debian: text.optional(),
  architectures: z.array(z.enum(["x86_64", "aarch64"])).default(["x86_64", "aarch64"]),
  /** `@version` stands for the package's own version. */
  depends: list,
  provides: list,
  replaces: list,
  installIf: list,
  triggers: list,
  providerPriority: z.number().int().optional(),
  /** Debian package → path there (a file, or a directory with all that is in it) → path here. */
  take: z.record(text, z.record(text, text)).default({}),
  /** What to leave out of taken directories: regular expressions over the path here. */
  omit: list,
  symlinks: z.record(text, text).default({}),
  directories: z
    .record(text, z.strictObject({ mode: text, owner: text.optional(), group: text.optional() }))
    .default({}),
  /** Modes that differ from 755 for programs and 644 for everything else. */
  modes: z.record(text, text).default({}),
  /** sed-like changes of taken text files: path here → [from, to] pairs; each must apply. */
  edits: z.record(text, z.array(z.tuple([text, z.string()]))).default({}),
});

/** A package that does not come from Alpine: what it is, as its recipe.yaml says. */
export interface Recipe extends z.infer<typeof recipeSchema> {
  name: string;
  /** `debian`: programs from Debian. `stand-ins`: written here. */
  kind: "debian" | "stand-ins";
  /** Files beside recipe.yaml, in files/: path → where it lies. */
  files: Record<string, string>;
  scripts: Package["scripts"];
}

/** Reads all recipes below `directory` (KIND/NAME/recipe.yaml), sorted by name. */
export async function readRecipes(directory: string): Promise<Recipe[]> {
  const recipes: Recipe[] = [];
  for (const kind of ["debian", "stand-ins"] as const) {
    for (const name of (await readdir(join(directory, kind))).sort()) {
      recipes.push(await readRecipe(join(directory, kind, name), kind));
    }
  }
  return recipes;
}

async function readRecipe(directory: string, kind: Recipe["kind"]): Promise<Recipe> {
  const path = join(directory, "recipe.yaml");
  const parsed = recipeSchema.safeParse(parse(await readFile(path, "utf8")));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  const recipe = parsed.data;
  const name = basename(directory);
  if ((recipe.debian === undefined) === (recipe.version === undefined)) {
    throw new Error(`${path}: give either 'debian' (whose version it takes) or 'version'`);
  }
  if (kind === "stand-ins" && !recipe.description.includes("stand-in")) {
    throw new Error(`${path}: the description of a stand-in must say so (contain 'stand-in')`);
  }
  const scripts: Package["scripts"] = {};
  const known = await readdir(directory);
  for (const script of scriptNames) {
    if (known.includes(script)) scripts[script] = await readFile(join(directory, script));
  }
  const files = known.includes("files") ? await listFiles(join(directory, "files")) : {};
  return { ...recipe, name, kind, files, scripts };
}

async function listFiles(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.sort().map((path) => [path.slice(root.length + 1), path]));
}

/** Where the recipes are. */
export const recipesDirectory = join(dirname(new URL(import.meta.url).pathname), "packages");
