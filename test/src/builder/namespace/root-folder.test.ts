import assert from "node:assert/strict";
import { lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { cpioArchive, type CpioEntry, readCpio } from "../../../../src/builder/cpio.ts";
import { unpackRoot } from "../../../../src/builder/namespace/root-folder.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const file = (path: string, content: string, mode = 0o644): CpioEntry => ({
  path,
  mode,
  kind: "file",
  content: Buffer.from(content),
});

describe("the root folder of a guest in namespaces", () => {
  it("has the archives' files, the later ones instead of the earlier", () => {
    const root = join(temporaryFolder(), "root");
    const link: CpioEntry = {
      path: "bin/sh",
      mode: 0o777,
      kind: "symlink",
      content: Buffer.from("/bin/busybox"),
    };
    unpackRoot(root, [
      cpioArchive([{ path: "bin", mode: 0o700, kind: "directory" }, file("bin/busybox", "old", 0o500), link]),
      Buffer.concat([
        cpioArchive([file("bin/busybox", "new", 0o700)]),
        Buffer.alloc(512),
        cpioArchive([file("job/a", "")]),
      ]),
    ]);
    assert.equal(readFileSync(join(root, "bin/busybox"), "utf8"), "new");
    assert.equal(readlinkSync(join(root, "bin/sh")), "/bin/busybox");
    // Its root is another user on the host.
    assert.equal(statSync(join(root, "bin/busybox")).mode & 0o777, 0o755);
    assert.equal(statSync(join(root, "bin")).mode & 0o777, 0o755);
    assert.equal(statSync(join(root, "job/a")).mode & 0o777, 0o644);
    for (const place of ["dev", "proc", "tmp", "run", "work", "disks"])
      assert.ok(lstatSync(join(root, place)).isDirectory());
  });

  it("is not left by an archive's path", () => {
    // cpioArchive refuses to write such paths, so they are written over others of the same length.
    for (const [good, bad] of [
      ["aa/b", "../b"],
      ["xabs", "/abs"],
      ["a/cc/b", "a/../b"],
    ] as const) {
      const archive = cpioArchive([file(good, "x")]);
      archive.write(bad, archive.indexOf(good));
      assert.throws(() => unpackRoot(join(temporaryFolder(), "root"), [archive]), /leads out of the archive/);
    }
  });

  it("is not made through a link of an archive", () => {
    const outside = temporaryFolder();
    const link: CpioEntry = { path: "out", mode: 0o777, kind: "symlink", content: Buffer.from(outside) };
    const archive = cpioArchive([link, file("out/escaped", "x")]);
    assert.throws(() => unpackRoot(join(temporaryFolder(), "root"), [archive]), /goes through a link/);
  });

  it("is not made from a damaged archive", () => {
    const archive = cpioArchive([file("a", "content")]);
    for (const length of [50, 111, 115]) {
      assert.throws(
        () => [...readCpio(archive.subarray(0, length))],
        /cut off|no cpio header/,
        String(length),
      );
    }
    archive.write("zz", 4);
    assert.throws(() => [...readCpio(archive)], /no cpio header at byte 0/);
  });
});
