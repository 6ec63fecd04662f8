import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import picomatch from "picomatch";
import { projectRoot } from "../src/lib/workspace.ts";

/** What a run makes, what git ignores, and the names that pages use for an example of the reader's own. */
const isMadeLater = picomatch([
  ".tools{,/**}",
  "work{,/**}",
  "node_modules{,/**}",
  "{**/,}Pulumi.*.yaml",
  "releases.dev.yaml",
  "clouds/example{,/**}",
  "configs/cloud/example.yaml",
  "configs/overlays/mine{,/**}",
  "cloud/hetzner.yaml",
  // on a mirror
  "v3.23/**",
]);

const own = readdirSync(projectRoot, { withFileTypes: true }).filter(
  ({ name }) => !["node_modules", ".git", ".tools", "work"].includes(name),
);
const folders = own.filter((entry) => entry.isDirectory()).map(({ name }) => name);

/** Every file and folder of the project, from its root. */
const paths = own.flatMap(({ name }) =>
  folders.includes(name)
    ? [
        name,
        ...readdirSync(join(projectRoot, name), { recursive: true, encoding: "utf8" }).map(
          (path) => `${name}/${path}`,
        ),
      ]
    : [name],
);

const textOf = (page: string): string => readFileSync(join(projectRoot, page), "utf8");

const pages = [
  "*.md",
  "docs/**/*.md",
  "offline-kit/**/*.md",
  "test/doubles/**/*.md",
  "configs/**/*.md",
].flatMap((pattern) => globSync(pattern, { cwd: projectRoot }));

/** A page without its blocks of code. */
function proseOf(page: string): string {
  return textOf(page).replaceAll(/^```.*?^```$/gms, "");
}

/** GitHub's name of each heading. */
const anchorsOf = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );

/** Whether words in backticks name a file or a folder of this project. */
function isPath(words: string): boolean {
  if (!/^[\w.@*{},/-]+$/.test(words) || words.startsWith("/")) return false;
  const [top, ...rest] = words.split("/");
  return (rest.length > 0 && folders.includes(top!)) || /\w\.(ts|mjs|cjs|js|md|ya?ml)$/.test(words);
}

/** Whether a path leads somewhere. A name alone may be anywhere; a word in capitals stands for any name. */
function leadsSomewhere(path: string, page: string): boolean {
  if (path.startsWith("../")) return existsSync(resolve(projectRoot, dirname(page), path));
  if (isMadeLater(path)) return true;
  const pattern = path
    .replace(/\/$/, "")
    .replaceAll(/\b[A-Z]{3,}\b/g, (word) =>
      paths.some((known) => known.split(/[/.]/).includes(word)) ? word : "*",
    );
  const isFromRoot = folders.includes(path.split("/")[0]!) && path.includes("/");
  const matches = picomatch(isFromRoot ? pattern : [pattern, `**/${pattern}`], { dot: true });
  return paths.some((known) => matches(known));
}

describe("pages", () => {
  for (const page of pages) {
    it(`${page}: links and paths lead somewhere`, () => {
      const prose = proseOf(page);
      const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link]) => link!)
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [path, anchor] = link.split("#");
          const file = path === "" ? join(projectRoot, page) : resolve(projectRoot, dirname(page), path!);
          return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
        });
      const missing = [...prose.matchAll(/`([^`\n]+)`/g)]
        .map(([, words]) => words!)
        .filter((words) => isPath(words) && !leadsSomewhere(words, page));
      assert.deepEqual([...broken, ...missing], []);
    });
  }

  it("name only npm commands that exist", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
    const named = pages.flatMap((page) =>
      [...textOf(page).matchAll(/npm run (?:-s )?([a-z][a-z:0-9]*)/g)].map(([, name = ""]) => [page, name]),
    );
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter(([, name = ""]) => !(name in scripts)),
      [],
    );
  });

  it("begin with a README of at most 120 lines", () => {
    assert.ok(textOf("README.md").trimEnd().split("\n").length <= 120);
  });
});
