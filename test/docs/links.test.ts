import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../../src/lib/workspace.ts";

const pages = [
  "*.md",
  "docs/**/*.md",
  "offline-kit/**/*.md",
  "test/doubles/**/*.md",
  "configs/**/*.md",
].flatMap((pattern) => globSync(pattern, { cwd: projectRoot }));

const textOf = (page: string): string => readFileSync(join(projectRoot, page), "utf8");

const withoutCode = (text: string): string => text.replace(/^```[^]*?^```$/gm, "");

/** The anchors that GitHub gives a page's headings. */
function anchorsOf(page: string): string[] {
  const headings = withoutCode(textOf(page)).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The links of a page into this repository that lead nowhere. */
function deadLinksOf(page: string): string[] {
  const links = withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g);
  return [...links]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(projectRoot, file))) return true;
      if (anchor === undefined) return false;
      return statSync(join(projectRoot, file)).isDirectory() || !anchorsOf(file).includes(anchor);
    });
}

describe("the documentation", () => {
  it("has links that lead somewhere", () => {
    assert.ok(pages.includes("README.md") && pages.includes("docs/concepts.md"));
    const dead = pages.flatMap((page) => deadLinksOf(page).map((link) => `${page}: ${link}`));
    assert.deepEqual(dead, []);
  });

  it("names only commands that there are", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
    const named = pages.flatMap((page) =>
      [...textOf(page).matchAll(/npm run (?:-s )?([a-z][a-z:0-9]*)/g)].map(([, name = ""]) => [page, name]),
    );
    assert.deepEqual(
      named.filter(([, name = ""]) => !(name in scripts)),
      [],
    );
  });

  it("has a front page that is short", () => {
    assert.ok(textOf("README.md").split("\n").length <= 121);
  });
});
