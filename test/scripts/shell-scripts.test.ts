import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { projectRoot } from "../helpers/project-copy.ts";

/** Every file of the project that its first line calls a shell script, or a part of one. */
function shellScripts(): string[] {
  const ignored = new Set(["node_modules", "work", ".git", ".tools"]);
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !ignored.has(entry.name)) visit(path);
      else if (entry.isFile()) {
        const [line = ""] = readFileSync(path).subarray(0, 200).toString("latin1").split("\n", 1);
        if (/^#!.*\b(sh|bash|ash|dash)\b|^# shellcheck shell=/.test(line))
          found.push(relative(projectRoot, path));
      }
    }
  };
  visit(projectRoot);
  return found.sort();
}

describe("the project's shell scripts", function () {
  this.timeout(30_000);
  const scripts = shellScripts();

  it("are found", () => {
    for (const known of ["src/builder/guest/init", "src/builder/supervise", "src/boot-test/boot-check"]) {
      assert.ok(scripts.includes(known), known);
    }
  });

  it("have nothing that shellcheck warns of", () => {
    // A `source=` directive is relative to the script itself, or to the project.
    const { error, status, stdout } = spawnSync(
      "shellcheck",
      ["-x", "-P", "SCRIPTDIR", "-P", ".", "--", ...scripts],
      {
        cwd: projectRoot,
        encoding: "utf8",
      },
    );
    assert.equal(error, undefined, "shellcheck is missing: `npm run bootstrap` installs it or says how");
    assert.equal(status, 0, stdout);
  });
});
