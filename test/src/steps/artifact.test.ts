import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as Module from "../../../src/steps/artifact.ts";
import type { DiskImageResult } from "../../../src/steps/disk-image.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";
import { diskResult } from "../../helpers/results.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { rejectsWith } from "../../helpers/errors.ts";

describe("the artifact step", () => {
  let copy: ProjectCopy;
  let step: typeof Module.artifactStep;
  let storedFiles: typeof Module.storedFiles;
  let folder: string;
  let storageUrl: string;
  before(async () => {
    copy = projectCopy();
    ({ artifactStep: step, storedFiles } = await copy.load<typeof Module>("src/steps/artifact.ts"));
  });
  beforeEach(() => {
    folder = join(temporaryFolder(), "v3.23");
    storageUrl = `file://${folder}`;
  });

  const sha512 = (content: string): string => createHash("sha512").update(content).digest("hex");
  /** A built file of that content. */
  function builtFile(content: string, name: string): { file: string; sha512: string } {
    const file = join("work/images/test", name);
    mkdirSync(dirname(join(copy.root, file)), { recursive: true });
    writeFileSync(join(copy.root, file), content);
    return { file, sha512: sha512(content) };
  }
  /** A built image of that content, as older versions left it: alone. */
  const built = (content: string, name = "image.qcow2"): DiskImageResult =>
    diskResult({ ...builtFile(content, name), bytes: content.length });
  /** A built image of that content, with what describes it. */
  const described = (content: string): DiskImageResult => ({
    ...built(content),
    documents: {
      sbom: builtFile(`bill of ${content}`, "image.cdx.json"),
      provenance: builtFile(`provenance of ${content}`, "image.intoto.json"),
    },
  });
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

  it("stores what describes the image beside it, each with its checksum, and lists it all for signing", async () => {
    const result = await step.create({ storageUrl, disk: described("the image") });
    const names = ["image.qcow2", "image.cdx.json", "image.intoto.json"];
    assert.deepEqual(stored(), names.flatMap((name) => [`.${name}.owner`, name, `${name}.sha512`]).sort());
    for (const { name, sha512: sum } of storedFiles(result)) {
      assert.equal(sum, sha512(readFileSync(join(folder, name), "utf8")));
      assert.equal(readFileSync(join(folder, `${name}.sha512`), "utf8"), `${sum}  ${name}\n`);
    }
    assert.deepEqual(
      storedFiles(result).map(({ name }) => name),
      names,
    );
  });

  it("stores all of it or nothing", async () => {
    const disk = described("the image");
    mkdirSync(join(folder, "image.qcow2.sha512"), { recursive: true });
    await rejectsWith(step.create({ storageUrl, disk }), {
      code: "storage-unwritable",
      where: `${storageUrl}/image.qcow2`,
    });
    assert.deepEqual(stored(), ["image.qcow2.sha512"]);
  });

  it("answers an update with what it has said before, and touches nothing", async () => {
    const result = await step.create({ storageUrl, disk: built("the image") });
    assert.deepEqual(await step.update({ storageUrl, disk: built("another") }, result), result);
    assert.equal(readFileSync(join(folder, "image.qcow2"), "utf8"), "the image");
  });

  it("deletes what it stored", async () => {
    for (const disk of [built("the image"), described("the image")]) {
      await step.delete({ storageUrl, disk }, await step.create({ storageUrl, disk }));
      assert.deepEqual(stored(), []);
    }
  });

  it("deletes of several files those that are still its own", async () => {
    const old = await step.create({ storageUrl, disk: described("old") });
    await step.create({ storageUrl, disk: built("new") });
    await step.delete({ storageUrl, disk: undefined }, old);
    assert.deepEqual(stored(), [".image.qcow2.owner", "image.qcow2", "image.qcow2.sha512"]);
    assert.equal(readFileSync(join(folder, "image.qcow2"), "utf8"), "new");
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
    const create = step.create({ storageUrl, disk: undefined });
    await rejectsWith(create, { code: "step-input-missing", where: undefined, text: /→ .*--target/ });
  });

  it("fetches a file that this machine has not got from storage, by its checksum", async () => {
    const disk = described("the image");
    await step.create({ storageUrl, disk });
    for (const { file, sha512: sum } of [disk, ...Object.values(disk.documents!)]) {
      for (const local of [undefined, "damaged"]) {
        if (local === undefined) rmSync(join(copy.root, file));
        else writeFileSync(join(copy.root, file), local);
        const again = await step.create({ storageUrl, disk });
        assert.equal(again.sha512, disk.sha512);
        assert.equal(sha512(readFileSync(join(copy.root, file), "utf8")), sum);
      }
    }
  });

  it("says exactly what to do when nobody has the file", async () => {
    const disk = built("the image");
    rmSync(join(copy.root, disk.file));
    await rejectsWith(step.create({ storageUrl, disk }), {
      code: "image-lost",
      where: join(copy.root, disk.file),
      text: /file:\/\/.*\n.*run on the machine that built it/,
    });
    assert.deepEqual(stored(), []);
  });

  it("never stores a file that is not what was built", async () => {
    const disk = built("the image");
    writeFileSync(join(copy.root, disk.file), "tampered!");
    await rejectsWith(step.create({ storageUrl, disk }), {
      code: "image-lost",
      where: join(copy.root, disk.file),
    });
    assert.deepEqual(stored(), []);
  });

  it("refuses a kind of storage that it does not know", async () => {
    const create = step.create({ storageUrl: "ssh://host/x", disk: built("the image") });
    await rejectsWith(create, { code: "storage-unsupported", where: "ssh://host/x" });
  });
});
