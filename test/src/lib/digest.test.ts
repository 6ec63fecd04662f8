import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOfFile, digestsOfFile } from "../../../src/lib/digest.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("a file's digest", () => {
  const of = (algorithm: string, content: Buffer): string =>
    createHash(algorithm).update(content).digest("hex");

  it("is that of its content, of each kind that is asked for", async () => {
    const file = join(temporaryFolder(), "file");
    for (const content of [Buffer.alloc(0), Buffer.alloc(3 * 2 ** 20 + 1, "abc")]) {
      writeFileSync(file, content);
      const expected = { sha256: of("sha256", content), sha512: of("sha512", content) };
      assert.deepEqual(await digestsOfFile(file, "sha256", "sha512"), expected);
      assert.equal(await digestOfFile(file, "sha512"), expected.sha512);
    }
  });

  it("is an error where there is no such file", async () => {
    await assert.rejects(digestsOfFile(join(temporaryFolder(), "none"), "sha256"), { code: "ENOENT" });
  });
});
