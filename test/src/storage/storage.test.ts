import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStorage, removeEmptyFolders, type Storage } from "../../../src/storage/storage.ts";
import { runProgram } from "../../helpers/processes.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { rejectsWith, throwsError } from "../../helpers/errors.ts";

const sha512 = (content: string | Buffer): string => createHash("sha512").update(content).digest("hex");

describe("file storage", () => {
  let parent: string;
  let folder: string;
  let storage: Storage;
  beforeEach(() => {
    parent = temporaryFolder();
    writeFileSync(join(parent, "not ours"), "");
    folder = join(parent, "v3.23/nocloud");
    storage = openStorage(`file://${folder}`);
  });

  /** A local file with that content. */
  const local = (content: string): string => {
    const file = join(temporaryFolder(), "image");
    writeFileSync(file, content);
    return file;
  };
  const store = (content: string, token: string, name = "image.qcow2"): Promise<void> =>
    storage.storeFile(name, local(content), sha512(content), token);
  const contents = (): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

  it("has what was stored, and a checksum that sha512sum agrees with", async () => {
    await store("the image", "token");
    await storage.storeText("image.yaml", "a: b\n", sha512("a: b\n"), "token");
    for (const name of ["image.qcow2.sha512", "image.yaml.sha512"]) {
      const { code, stdout } = await runProgram("sha512sum", ["-c", "--strict", name], { cwd: folder });
      assert.equal(code, 0, name);
      assert.match(stdout, /: OK$/m);
    }
    assert.equal(readFileSync(join(folder, "image.qcow2"), "utf8"), "the image");
  });

  it("has a checksum that tells when the file is damaged", async () => {
    await store("the image", "token");
    writeFileSync(join(folder, "image.qcow2"), "the imag3");
    const { code } = await runProgram("sha512sum", ["-c", "--status", "image.qcow2.sha512"], { cwd: folder });
    assert.equal(code, 1);
  });

  it("refuses a file that is not what it is said to be, and keeps nothing of it", async () => {
    const other = local("other");
    await rejectsWith(storage.storeFile("x", other, sha512("this"), "t"), {
      code: "image-changed",
      where: other,
    });
    assert.deepEqual(contents(), []);
  });

  it("keeps the old file when storing a new one fails", async () => {
    await store("old", "old token");
    const other = local("other");
    const stored = storage.storeFile("image.qcow2", other, sha512("new"), "new token");
    await rejectsWith(stored, { code: "image-changed", where: other });
    assert.equal(readFileSync(join(folder, "image.qcow2"), "utf8"), "old");
    assert.equal(await storage.remove("image.qcow2", "old token"), true, "it is still its owner's");
  });

  it("has nothing under a final name when storing fails half-way", async () => {
    mkdirSync(join(folder, "image.qcow2.sha512"), { recursive: true });
    const where = `${storage.url}/image.qcow2`;
    await rejectsWith(store("the image", "token"), {
      code: "storage-unwritable",
      where,
      text: /→ .*storageUrl/,
    });
    assert.deepEqual(contents(), ["image.qcow2.sha512"]);
  });

  it("sweeps away what a killed run had begun to store under the name, and only that", async () => {
    mkdirSync(folder, { recursive: true });
    const begun = [".image.qcow2.file.123.part", ".image.qcow2.owner.123.part", ".other.qcow2.file.123.part"];
    for (const name of begun) writeFileSync(join(folder, name), "half");
    await store("the image", "token");
    const stored = [".image.qcow2.owner", "image.qcow2", "image.qcow2.sha512"];
    assert.deepEqual(contents(), [...stored, ".other.qcow2.file.123.part"].sort());
    writeFileSync(join(folder, begun[0]!), "half");
    await storage.remove("image.qcow2", "token");
    assert.deepEqual(contents(), [".other.qcow2.file.123.part"]);
  });

  it("removes what is still of the token that asks, and leaves a folder outside the project to its owner", async () => {
    await store("the image", "token");
    assert.equal(await storage.remove("image.qcow2", "token"), true);
    assert.deepEqual(contents(), []);
    assert.ok(readdirSync(parent).includes("not ours"));
  });

  it("removes nothing of another's", async () => {
    await store("old", "old token");
    await store("new", "new token");
    assert.equal(await storage.remove("image.qcow2", "old token"), false);
    assert.equal(readFileSync(join(folder, "image.qcow2"), "utf8"), "new");
    assert.equal(readFileSync(join(folder, "image.qcow2.sha512"), "utf8"), `${sha512("new")}  image.qcow2\n`);
    assert.equal(await storage.remove("image.qcow2", "new token"), true);
  });

  it("removes nothing of nobody's", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "image.qcow2"), "put there by hand");
    assert.equal(await storage.remove("image.qcow2", ""), false);
    assert.equal(await storage.remove("image.qcow2", "token"), false);
    assert.deepEqual(contents(), ["image.qcow2"]);
  });

  it("removes one name without touching those beside it", async () => {
    await store("one", "token", "one");
    await store("two", "token", "two");
    await storage.remove("one", "token");
    assert.deepEqual(contents(), [".two.owner", "two", "two.sha512"]);
  });

  it("is updated in place", async () => {
    await storage.storeText("image.yaml", "a: 1\n", sha512("a: 1\n"), "token");
    await storage.storeText("image.yaml", "a: 2\n", sha512("a: 2\n"), "token");
    assert.equal(readFileSync(join(folder, "image.yaml"), "utf8"), "a: 2\n");
    assert.deepEqual(contents(), [".image.yaml.owner", "image.yaml", "image.yaml.sha512"]);
  });

  it("gives a file back, if it is the one with that checksum", async () => {
    await store("the image", "token");
    const target = join(temporaryFolder(), "deep/image");
    assert.equal(await storage.fetchFile("image.qcow2", target, sha512("another")), false);
    assert.equal(await storage.fetchFile("none", target, sha512("the image")), false);
    assert.equal(existsSync(target), false);
    assert.equal(await storage.fetchFile("image.qcow2", target, sha512("the image")), true);
    assert.equal(readFileSync(target, "utf8"), "the image");
    assert.deepEqual(readdirSync(join(target, "..")), ["image"]);
  });

  it("is of a kind that is known, or says what is", () => {
    for (const url of ["ssh://host/folder", "s3://bucket", "/folder", ""]) {
      throwsError(() => openStorage(url), { code: "storage-unsupported", where: url, text: /file:\/\/\// });
    }
  });
});

describe("empty folders", () => {
  it("are removed upwards, to the first that is not empty", () => {
    const top = temporaryFolder();
    mkdirSync(join(top, "a/b/c/d"), { recursive: true });
    writeFileSync(join(top, "a/file"), "");
    removeEmptyFolders(join(top, "a/b/c/d"), top);
    assert.deepEqual(readdirSync(join(top, "a")), ["file"]);
    removeEmptyFolders(join(top, "a/none"), top);
    assert.deepEqual(readdirSync(join(top, "a")), ["file"]);
    mkdirSync(join(top, "b/c"), { recursive: true });
    removeEmptyFolders(join(top, "b/c"), join(top, "b"));
    assert.deepEqual(readdirSync(join(top, "b")), []);
    removeEmptyFolders(join(top, "b"));
    assert.ok(existsSync(join(top, "b")));
  });
});
