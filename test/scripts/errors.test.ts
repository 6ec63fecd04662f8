import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errors, errorsPage } from "../../scripts/errors.ts";
import { errorCodes } from "../../src/lib/error-codes.ts";
import { projectRoot } from "../../src/lib/workspace.ts";

const codes = Object.values(errorCodes).flatMap((subject) => Object.keys(subject));

describe("error codes", () => {
  it("are words with dashes, each once", () => {
    for (const code of codes) assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    assert.equal(new Set(codes).size, codes.length);
  });

  it("are all in docs/errors.md, each with its meaning and what to do", async () => {
    await errors({ check: true });
    const page = await errorsPage();
    for (const code of codes) {
      const [row] = page.split("\n").filter((line) => line.startsWith(`| \`${code}\` `));
      const [, , meaning, remedy] = row?.split(/ +\| +|\| /) ?? [];
      assert.ok(meaning?.trim() && remedy?.trim(), `${code}: ${row}`);
    }
  });

  it("are all used", () => {
    const sources = ["bench", "clouds", "components", "scripts", "src"].flatMap((folder) =>
      readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(ts|mjs)$/.test(name) && !name.endsWith("error-codes.ts"))
        .map((name) => readFileSync(join(projectRoot, folder, name), "utf8")),
    );
    const all = sources.join("\n");
    assert.deepEqual(
      codes.filter((code) => !all.includes(`"${code}"`)),
      [],
    );
  });
});
