import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as Module from "../../../scripts/steps/artifact.ts";
import type { DiskImageResult } from "../../../scripts/steps/disk-image.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";
import { diskResult } from "../../helpers/results.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("the artifact step", () => {
  let copy: ProjectCopy;
  let step: typeof Module.artifactStep;
  let folder: string;
  let storageUrl: string;
  before(async () => {
    copy = projectCopy();
    step = (await copy.load<typeof Module>("scripts/steps/artifact.ts")).artifactStep;
  });
  beforeEach(() => {
    folder = join(temporaryFolder(), "v3.23");
    storageUrl = `file://${folder}`;
  });

  const sha512 = (content: string): string => createHash("sha512").update(content).digest("hex");
  /** A built image of that content, with its file. */
  function built(content: string, name = "image.qcow2"): DiskImageResult {
    const file = join("work/images/test", name);
    mkdirSync(dirname(join(copy.root, file)), { recursive: true });
    writeFileSync(join(copy.root, file), content);
    return diskResult({ file, sha512: sha512(content), bytes: content.length });
  }
  const stored = (): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

  it("stores the image and its checksum, and says where", async () => {
    const result = await step.create({ storageUrl, disk: built("the image") });
    assert.deepEqual(stored(), [".image.qcow2.owner", "image.qcow2", "image.qcow2.sha512"]);
    const { token, uploaded, ...rest } = result;
    assert.deepEqual(rest, {
      folder: storageUrl,
      name: "image.qcow2",
      sha512: sha512("the image"),
      bytes: 9,
    });
    assert.match(token, /^[0-9a-f]{16}$/);
    assert.match(uploaded, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it("answers an update with what it has said before, and touches nothing", async () => {
    const result = await step.create({ storageUrl, disk: built("the image") });
    assert.deepEqual(await step.update({ storageUrl, disk: built("another") }, result), result);
    assert.equal(readFileSync(join(folder, "image.qcow2"), "utf8"), "the image");
  });

  it("deletes what it stored", async () => {
    const disk = built("the image");
    await step.delete({ storageUrl, disk }, await step.create({ storageUrl, disk }));
    assert.deepEqual(stored(), []);
  });

  it("deletes nothing that has been stored anew under the name", async () => {
    const old = await step.create({ storageUrl, disk: built("old") });
    await step.create({ storageUrl, disk: built("new") });
    await step.delete({ storageUrl, disk: undefined }, old);
    assert.equal(readFileSync(join(folder, "image.qcow2"), "utf8"), "new");
  });

  it("deletes where it stored, wherever it would store today", async () => {
    const result = await step.create({ storageUrl, disk: built("the image") });
    await step.delete({ storageUrl: "file:///elsewhere", disk: undefined }, result);
    assert.deepEqual(stored(), []);
  });

  it("says what to do where there is no built image", async () => {
    await assert.rejects(step.create({ storageUrl, disk: undefined }), {
      name: "UserError",
      message: /no built image to store\n.*--target/,
    });
  });

  it("fetches a file that this machine has not got from storage, by its checksum", async () => {
    const disk = built("the image");
    await step.create({ storageUrl, disk });
    for (const local of [undefined, "damaged"]) {
      if (local === undefined) rmSync(join(copy.root, disk.file));
      else writeFileSync(join(copy.root, disk.file), local);
      const again = await step.create({ storageUrl, disk });
      assert.equal(again.sha512, disk.sha512);
      assert.equal(readFileSync(join(copy.root, disk.file), "utf8"), "the image");
    }
  });

  it("says exactly what to do when nobody has the file", async () => {
    const disk = built("the image");
    rmSync(join(copy.root, disk.file));
    await assert.rejects(step.create({ storageUrl, disk }), {
      name: "UserError",
      message:
        /image\.qcow2 is not on this machine.*file:\/\/.* does not have it either\n.*run on the machine that built it/,
    });
    assert.deepEqual(stored(), []);
  });

  it("never stores a file that is not what was built", async () => {
    const disk = built("the image");
    writeFileSync(join(copy.root, disk.file), "tampered!");
    await assert.rejects(step.create({ storageUrl, disk }), { message: /or is not what was built/ });
    assert.deepEqual(stored(), []);
  });

  it("refuses a kind of storage that it does not know", async () => {
    const create = step.create({ storageUrl: "ssh://host/x", disk: built("the image") });
    await assert.rejects(create, { name: "UserError", message: /storage ssh:\/\/host\/x .*not supported/ });
  });
});
