import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moveFile, writeFileAtomically } from "../../../src/lib/atomic-file.ts";
import { digestOfFile } from "../../../src/lib/digest.ts";
import { localPath } from "../../../src/lib/file-url.ts";
import { projectRoot } from "../../helpers/project-copy.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("a file that is written whole or not at all", () => {
  it("is there with its content and mode, and nothing beside it", () => {
    const folder = temporaryFolder();
    const file = join(folder, "deep/file");
    writeFileAtomically(file, "one");
    writeFileAtomically(file, "two", 0o600);
    assert.equal(readFileSync(file, "utf8"), "two");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(folder, "deep")), ["file"]);
  });

  it("leaves nothing behind when it cannot be", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "file/in the way"), { recursive: true });
    assert.throws(() => writeFileAtomically(join(folder, "file"), "one"));
    assert.deepEqual(readdirSync(folder), ["file"]);
  });
});

describe("a file that is moved to its final name", () => {
  it("is there and no longer where it was", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "from"), "content");
    moveFile(join(folder, "from"), join(folder, "to"));
    assert.deepEqual(readdirSync(folder), ["to"]);
  });

  it("moves from one filesystem to another", function () {
    const [shared, folder] = ["/dev/shm", temporaryFolder()];
    const other = statSync(shared, { throwIfNoEntry: false });
    if (other === undefined || other.dev === statSync(folder).dev) {
      // This machine has no second filesystem that everyone can write to.
      this.test!.title += " (skipped: /dev/shm is no filesystem of its own)";
      this.skip();
    }
    const from = join(shared, `alpine-test-${process.pid}`);
    writeFileSync(from, "content");
    moveFile(from, join(folder, "to"));
    assert.equal(readFileSync(join(folder, "to"), "utf8"), "content");
    assert.deepEqual(readdirSync(folder), ["to"]);
    assert.equal(statSync(from, { throwIfNoEntry: false }), undefined);
  });

  it("stays where it is when it cannot be moved", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "from"), "content");
    writeFileSync(join(folder, "file"), "");
    assert.throws(() => moveFile(join(folder, "from"), join(folder, "file/to")), /ENOTDIR|EEXIST/);
    assert.deepEqual(readdirSync(folder), ["file", "from"]);
  });
});

describe("a file's digest", () => {
  it("is of its whole content", async () => {
    const file = join(temporaryFolder(), "file");
    const content = Buffer.alloc(300_000, "abcdefghijk");
    writeFileSync(file, content);
    for (const algorithm of ["sha256", "sha512"] as const) {
      assert.equal(await digestOfFile(file, algorithm), createHash(algorithm).update(content).digest("hex"));
    }
  });

  it("fails for a file that cannot be read", async () => {
    await assert.rejects(digestOfFile("/no/such/file", "sha512"), { code: "ENOENT" });
  });
});

describe("file URLs", () => {
  it("are absolute with three slashes and below the project with two", () => {
    assert.equal(localPath("file:///srv/images"), "/srv/images");
    assert.equal(localPath("file://work/storage"), join(projectRoot, "work/storage"));
    assert.equal(localPath("file:///srv/my%20images"), "/srv/my images");
  });

  it("are told from others", () => {
    for (const url of ["https://example.org", "ssh://host/x", "/srv/images", "file:/srv"]) {
      assert.equal(localPath(url), undefined, url);
    }
  });
});
