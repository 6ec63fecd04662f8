import assert from "node:assert/strict";
import { ConfigError } from "../../../src/configuration/source.ts";
import { fullDiskError, UserError } from "../../../src/lib/user-error.ts";
import { assertError } from "../../helpers/errors.ts";

describe("a fault that a person can do something about", () => {
  it("is for people a message with what to do", () => {
    const error = new UserError("file-missing", "no key in k.pub", "name one", { where: "k.pub" });
    assert.equal(error.text(), "error: no key in k.pub\n  → name one");
    assert.equal(new UserError("file-missing", "no key in k.pub").text(), "error: no key in k.pub");
  });

  it("is for programs a code, a message, a place and a hint, each there or null", () => {
    const error = new UserError("file-missing", "no key in k.pub", "name one", { where: "k.pub" });
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      code: "file-missing",
      message: "no key in k.pub",
      where: "k.pub",
      hint: "name one",
    });
    const bare = { code: "file-missing", message: "no key", where: null, hint: null };
    assert.deepEqual(JSON.parse(JSON.stringify(new UserError("file-missing", "no key"))), bare);
  });

  it("has no stack, and keeps its cause", () => {
    const cause = new Error("ENOENT");
    const error = new UserError("file-missing", "no key", undefined, { cause });
    assert.equal(error.stack, "UserError: no key");
    assert.equal(error.cause, cause);
  });
});

describe("mistakes in files", () => {
  const one = { code: "unknown-key", file: "a.yaml", line: 2, column: 3, path: "x", message: "no" } as const;
  const other = { code: "value-missing", file: "b.yaml", path: "", message: "gone" } as const;

  it("are one fault where there is one", () => {
    const error = new ConfigError([one]);
    assertError(error, { code: "unknown-key", where: "a.yaml:2:3 x" });
    assert.deepEqual(error.toJSON(), {
      code: "unknown-key",
      message: "no",
      where: "a.yaml:2:3 x",
      hint: null,
    });
    assert.equal(error.text(), "a.yaml:2:3: x: no\n1 error; nothing was done.");
  });

  it("are all told where there are several, with their code where they are of one kind", () => {
    const error = new ConfigError([one, other]);
    assertError(error, { code: "configuration-invalid", where: undefined });
    assert.equal(error.text(), "a.yaml:2:3: x: no\nb.yaml: gone\n2 errors; nothing was done.");
    const { code, where, problems } = error.toJSON();
    assert.deepEqual([code, where], ["configuration-invalid", null]);
    assert.deepEqual(problems, [
      { code: "unknown-key", message: "no", where: "a.yaml:2:3 x", hint: null },
      { code: "value-missing", message: "gone", where: "b.yaml", hint: null },
    ]);
    const alike = new ConfigError([one, { ...one, line: 9 }]);
    assertError(alike, { code: "unknown-key", where: undefined });
  });
});

describe("a full disk", () => {
  const full = (message: string, places: object = {}): unknown =>
    fullDiskError(
      Object.assign(new Error(`ENOSPC: no space left on device, ${message}`), { code: "ENOSPC", ...places }),
    );

  it("is told of with the file that had no room", () => {
    assertError(full("write"), { code: "disk-full", where: undefined, text: /ENOSPC.*\n {2}→ free space/ });
    assertError(full("mkdir '/a'", { path: "/a" }), { code: "disk-full", where: "/a" });
    const copied = full("copyfile '/a' -> '/b'", { path: "/a", dest: "/b" });
    assertError(copied, { code: "disk-full", where: "/b" });
    const said = fullDiskError(new Error("qemu-img: error while writing: No space left on device"));
    assertError(said, { code: "disk-full", where: undefined });
  });

  it("is no other fault", () => {
    for (const error of [
      new Error("no"),
      Object.assign(new Error("x"), { code: "ENOENT" }),
      "ENOSPC",
      undefined,
    ]) {
      assert.equal(fullDiskError(error), undefined);
    }
  });
});
