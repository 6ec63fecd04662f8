import assert from "node:assert/strict";
import { fullDiskError, runMain, UserError } from "../../../src/lib/user-error.ts";

describe("what ends a program", () => {
  /** What a main function that throws this leaves on stderr. */
  async function printed(thrown: unknown): Promise<string> {
    const original = process.stderr.write.bind(process.stderr);
    const exitCode = process.exitCode;
    let text = "";
    process.stderr.write = (part: string) => ((text += part), true);
    try {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      await runMain(() => Promise.reject(thrown));
      assert.equal(process.exitCode, 1);
    } finally {
      process.stderr.write = original;
      process.exitCode = exitCode;
    }
    return text;
  }

  it("is a message with what to do, without a stack, where a person can do something", async () => {
    assert.equal(
      await printed(new UserError("file-missing", "no key in k.pub", "name one")),
      "error: no key in k.pub\n  → name one\n",
    );
    assert.equal(await printed(new UserError("file-missing", "no key in k.pub")), "error: no key in k.pub\n");
  });

  it("keeps its stack where it is a defect", async () => {
    assert.match(
      await printed(new TypeError("x is undefined")),
      /^TypeError: x is undefined\n +at .*user-error\.test/,
    );
    assert.equal(await printed("text"), "text\n");
  });

  it("is nothing when all went well", async () => {
    const exitCode = process.exitCode;
    await runMain(() => Promise.resolve());
    assert.equal(process.exitCode, exitCode);
  });

  it("says which file had no room on a full disk", async () => {
    const full = (message: string, places: object = {}): Error =>
      Object.assign(new Error(`ENOSPC: no space left on device, ${message}`), { code: "ENOSPC", ...places });
    assert.match(
      await printed(full("write")),
      /^error: no space is left on the disk \(ENOSPC.*\n {2}→ make room .*\n$/,
    );
    assert.match(await printed(full("mkdir '/a'", { path: "/a" })), /on the disk, for \/a\n/);
    assert.match(
      await printed(full("copyfile '/a' -> '/b'", { path: "/a", dest: "/b" })),
      /on the disk, for \/b\n/,
    );
  });

  it("takes no other fault for a full disk", () => {
    for (const error of [
      new Error("no"),
      Object.assign(new Error("x"), { code: "ENOENT" }),
      "ENOSPC",
      undefined,
    ]) {
      assert.equal(fullDiskError(error), undefined);
    }
    assert.ok(
      fullDiskError(new Error("qemu-img: error while writing: No space left on device")) instanceof UserError,
    );
  });
});
