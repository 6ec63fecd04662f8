import { clouds } from "../../../clouds/registry.ts";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as FileLock from "../../../src/lib/file-lock.ts";
import type * as Module from "../../../src/steps/disk-image.ts";
import type { DiskImageInput, DiskImageResult } from "../../../src/steps/disk-image.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";
import { diskResult } from "../../helpers/results.ts";
import { someVariant } from "../../helpers/variant.ts";
import { rejectsWith } from "../../helpers/errors.ts";

const variant = someVariant({ cloud: "nocloud", imageKey: "3.23.6-x86_64-bios-tiny-nocloud", revision: 3 });
const input: DiskImageInput = {
  variant,
  inputsDigest: "11".repeat(32),
  build: {
    // Nothing that can be built from: only a finished build can be the answer.
    mirror: { name: "none", url: "file:///no/such/mirror", keyFiles: [] },
    extraDiskMib: 0,
    overlays: [],
    slots: 1,
    isolation: "auto",
    accelerator: "tcg",
    timeoutMinutes: 1,
    cacheGib: 20,
  },
};

describe("the disk-image step", () => {
  let copy: ProjectCopy;
  let step: ReturnType<typeof Module.diskImageStep>;
  before(async () => {
    copy = projectCopy();
    step = (await copy.load<typeof Module>("src/steps/disk-image.ts")).diskImageStep(clouds);
  });

  const folder = (): string => join(copy.root, "work/images/nocloud/3.23.6-x86_64-bios-tiny-nocloud-r3");
  /** What a build that ended well leaves. */
  function finished(changes: Partial<DiskImageResult> = {}): DiskImageResult {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), "image.qcow2"), "the image");
    const record = diskResult({
      file: "work/images/nocloud/3.23.6-x86_64-bios-tiny-nocloud-r3/image.qcow2",
      sha512: createHash("sha512").update("the image").digest("hex"),
      inputsDigest: input.inputsDigest,
      ...changes,
    });
    writeFileSync(join(folder(), "build.json"), JSON.stringify(record));
    return record;
  }
  const files = (): string[] => (existsSync(folder()) ? readdirSync(folder()).sort() : []);

  it("takes a finished build of the same inputs, by a run that did not end well", async () => {
    const record = finished();
    assert.deepEqual(await step.create(input), record);
    assert.deepEqual(files(), ["build.json", "image.qcow2"]);
  });

  it("waits for another that builds the same, and takes what that has built", async () => {
    const locks = await copy.load<typeof FileLock>("src/lib/file-lock.ts");
    let record: DiskImageResult | undefined;
    let second: Promise<DiskImageResult> | undefined;
    let isDone = false;
    await locks.withFileLock(`${folder()}.lock`, async () => {
      second = step.create(input).finally(() => (isDone = true));
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(isDone, false, "it did not wait");
      record = finished();
    });
    assert.deepEqual(await second, record);
  });

  /** That it tries to build: the mirror is not there. */
  const building = { code: "mirror-unreachable", where: /^file:\/\/\/no\/such\/mirror\// } as const;

  it("takes a finished build only with all that it has made", async () => {
    const folderName = "work/images/nocloud/3.23.6-x86_64-bios-tiny-nocloud-r3";
    const sum = createHash("sha512").update("{}").digest("hex");
    const document = (name: string) => ({ file: `${folderName}/${name}`, sha512: sum });
    const documents = { sbom: document("image.cdx.json"), provenance: document("image.intoto.json") };
    const record = finished({ documents });
    for (const { file } of Object.values(documents)) writeFileSync(join(copy.root, file), "{}");
    assert.deepEqual(await step.create(input), record);
    writeFileSync(join(copy.root, documents.sbom.file), "{ }");
    await rejectsWith(step.create(input), building);
  });

  it("builds anew when the inputs are others, or the file is not what was built", async () => {
    finished({ inputsDigest: "22".repeat(32) });
    await rejectsWith(step.create(input), building);
    finished();
    writeFileSync(join(folder(), "image.qcow2"), "the imag3");
    await rejectsWith(step.create(input), building);
    assert.deepEqual(files(), [], "what a failed build replaces is gone, and nothing is recorded as done");
  });

  it("answers an update with what it has said before", async () => {
    const record = finished();
    assert.deepEqual(await step.update({ ...input, inputsDigest: "33".repeat(32) }, record), record);
  });

  it("deletes what it built, and the folders that are empty then", async () => {
    await step.delete(input, finished());
    assert.equal(existsSync(join(copy.root, "work/images")), false);
  });

  it("deletes nothing that another run has built since", async () => {
    const record = finished({ token: "new" });
    await step.delete(input, { ...record, token: "old" });
    assert.deepEqual(files(), ["build.json", "image.qcow2"]);
    assert.equal(readFileSync(join(folder(), "image.qcow2"), "utf8"), "the image");
    await step.delete(input, record);
    assert.deepEqual(files(), []);
  });

  it("has nothing to delete when the files are gone already", async () => {
    await step.delete(input, diskResult());
    assert.deepEqual(files(), []);
  });
});
