import assert from "node:assert/strict";
import { cpioArchive, parentFolders } from "../../../src/builder/cpio.ts";
import { readCpio } from "../../helpers/cpio.ts";

describe("a cpio archive", () => {
  it("is read back as it was written", () => {
    const archive = cpioArchive([
      { path: "bin", mode: 0o755, kind: "directory" },
      { path: "bin/größer", mode: 0o4755, kind: "file", content: Buffer.from("abcde") },
      { path: "bin/sh", mode: 0o777, kind: "symlink", content: Buffer.from("/bin/busybox") },
      { path: "empty", mode: 0o600, kind: "file" },
      { path: "dev/console", mode: 0o600, kind: "character-device", device: [5, 1] },
    ]);
    const entries = readCpio(archive);
    assert.deepEqual(
      entries.map(({ name, mode, content }) => [name, mode.toString(8), content.toString()]),
      [
        ["bin", "40755", ""],
        ["bin/größer", "104755", "abcde"],
        ["bin/sh", "120777", "/bin/busybox"],
        ["empty", "100600", ""],
        ["dev/console", "20600", ""],
      ],
    );
    assert.deepEqual(entries[4]!.device, [5, 1]);
    assert.equal(new Set(entries.map(({ inode }) => inode)).size, entries.length, "no two are one file");
    for (const { owner, modified } of entries) assert.deepEqual([owner, modified], [[0, 0], 0]);
  });

  it("can have another behind it", () => {
    const one = cpioArchive([{ path: "one", mode: 0o644, kind: "file", content: Buffer.from("1") }]);
    const two = cpioArchive([{ path: "two", mode: 0o644, kind: "file", content: Buffer.from("22") }]);
    assert.equal(one.length % 512, 0);
    assert.deepEqual(
      readCpio(Buffer.concat([one, two])).map(({ name, content }) => `${name} ${content.toString()}`),
      ["one 1", "two 22"],
    );
  });

  it("takes every length of name and content", () => {
    const lengths = [1, 2, 3, 4, 5, 6, 7, 8];
    const entries = lengths.flatMap((length) =>
      lengths.map((size) => ({
        path: `${"n".repeat(length)}${size}`,
        mode: 0o644,
        kind: "file" as const,
        content: Buffer.alloc(size, "x"),
      })),
    );
    const read = readCpio(cpioArchive(entries));
    assert.deepEqual(
      read.map(({ name, content }) => [name, content.length]),
      entries.map(({ path, content }) => [path, content.length]),
    );
  });

  it("refuses paths that lead out of it", () => {
    for (const path of ["", "/etc/passwd", "../x", "a/../../x"]) {
      assert.throws(() => cpioArchive([{ path, mode: 0o644, kind: "file" }]), /needs a relative path/, path);
    }
  });

  it("has each folder before what is in it", () => {
    assert.deepEqual(
      parentFolders(["a/b/c", "a/d", "top"]).map(({ path, kind }) => `${kind} ${path}`),
      ["directory a", "directory a/b"],
    );
  });
});
