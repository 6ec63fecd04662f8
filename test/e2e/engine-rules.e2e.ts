/**
 * The rules of DESIGN.md ("Built once") on the real engine: what the tracked commands of an image do to published
 * files when something changes, fails, or is only a part of the stack. No disk is built here: see seeded-image.ts.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import { runProgram } from "../helpers/processes.ts";
import type { StepSuffix } from "./checkout.ts";
import { digestOf, SeededImage } from "./seeded-image.ts";

/** An older version of the project, with other texts for the same commands: they are in states still. */
const oldTexts = {
  create: "exec node --import tsx scripts/step.ts create",
  update: "exec node --import tsx scripts/step.ts update",
  delete: "exec node --import tsx scripts/step.ts delete",
};

describe("engine rules", function () {
  this.timeout(300_000);
  let project: SeededImage;

  const start = async (declared: Parameters<SeededImage["declare"]>[0] = {}): Promise<void> => {
    project = new SeededImage();
    project.declare(declared);
    project.layBuild("first build");
    await project.initialize();
  };

  /** Storage holds exactly one image with this content, described and with its checksums. */
  const assertStored = async (content: string): Promise<void> => {
    assert.deepEqual(project.files(project.storage), project.storedFiles);
    assert.equal(project.stored(project.image), content);
    const sums = project.storedFiles.filter((name) => name.endsWith(".sha512"));
    const check = await runProgram("sha512sum", ["-c", "--strict", ...sums], {
      cwd: project.path(project.storage),
    });
    assert.equal(check.code, 0, check.stdout + check.stderr);
    assert.equal(check.stdout.match(/: OK$/gm)?.length, sums.length, check.stdout);
    const metadata = parse(project.stored(`${project.variant.name}.yaml`)) as Record<string, unknown>;
    const stored = await project.result("artifact");
    assert.equal(metadata["sha512"], stored?.["sha512"]);
    assert.ok(project.stored(`${project.image}.sha512`).startsWith(String(stored?.["sha512"])));
  };

  describe("a stack that rebuilds what changed", () => {
    before(() =>
      start({ rebuild: "changed", commands: { disk: oldTexts, artifact: oldTexts, metadata: oldTexts } }),
    );
    after(() => project.remove());

    it("stores image, what describes it, and their checksums, and has nothing left to do", async () => {
      await project.up();
      await assertStored("first build");
      assert.deepEqual((await project.preview("--expect-no-changes")).changes, {});
    });

    it("has the new files in place after a forced replace", async () => {
      const before = await project.result("artifact");
      await project.up("--replace", project.urn("artifact"));
      await assertStored("first build");
      assert.notEqual((await project.result("artifact"))?.["token"], before?.["token"]);
    });

    it("has the new files in place after a rebuild under the same names", async () => {
      const before = await project.command("disk");
      project.declare({ inputsDigest: digestOf("second inputs") });
      const built = project.layBuild("second build");
      const { changes } = await project.preview();
      assert.equal(changes[`${project.key}-disk`], "replace");
      assert.equal(changes[`${project.key}-artifact`], "replace");
      await project.up();
      await assertStored("second build");
      assert.equal((await project.result("disk"))?.["token"], built.token);
      assert.notEqual((await project.command("disk"))?.id, before?.id);
    });

    it("has nothing to do when the commands' texts change", async () => {
      project.declare({ commands: {} });
      assert.deepEqual((await project.preview("--expect-no-changes")).changes, {});
      await project.up("--expect-no-changes");
      assert.equal((await project.command("artifact"))?.outputs?.["delete"], oldTexts.delete);
    });

    it("updates metadata in place: always there, of the same owner", async () => {
      const file = project.path(project.storage, `${project.variant.name}.yaml`);
      const before = { ...(await project.command("metadata")), result: await project.result("metadata") };
      const missing: string[] = [];
      const watch = setInterval(() => {
        missing.push(...[file, `${file}.sha512`].filter((name) => !existsSync(name)));
      }, 5);
      project.declare({ variant: { endOfLife: "2028-05-01" } });
      await project.up().finally(() => clearInterval(watch));
      assert.deepEqual(missing, []);
      await assertStored("second build");
      assert.equal(
        (parse(readFileSync(file, "utf8")) as Record<string, unknown>)["end_of_life"],
        "2028-05-01",
      );
      const result = await project.result("metadata");
      assert.equal((await project.command("metadata"))?.id, before.id);
      assert.equal(result?.["token"], before.result?.["token"]);
      assert.notEqual(result?.["sha512"], before.result?.["sha512"]);
    });

    it("removes exactly what it made", async () => {
      await project.destroy();
      assert.deepEqual(await project.resources(), []);
      assert.equal(existsSync(project.path("work/storage")), false);
      assert.equal(existsSync(project.path("work/images")), false);
    });
  });

  describe("a frozen stack, of an image that an older version built and left undescribed", () => {
    before(async () => {
      await start({ rebuild: "never", described: false });
      await project.up();
    });
    after(() => project.remove());

    it("has nothing to do when the commands' texts change", async () => {
      project.declare({ commands: { disk: oldTexts, artifact: oldTexts } });
      assert.deepEqual((await project.preview("--expect-no-changes")).changes, {});
    });

    it("has nothing to do when inputs change, and says that the image is of older ones", async () => {
      project.declare({ inputsDigest: digestOf("other inputs") });
      const { changes, warnings } = await project.preview("--expect-no-changes");
      assert.deepEqual(changes, {});
      const stale = warnings.filter((warning) => warning.includes("revise"));
      assert.equal(stale.length, 1, warnings.join(""));
      assert.match(stale[0]!, /3\.23\.6-x86_64-bios-tiny-nocloud-r0 was built from other inputs/);
      const before = await project.command("disk");
      await project.up("--expect-no-changes");
      await assertStored("first build");
      assert.deepEqual((await project.command("disk"))?.outputs, before?.outputs);
    });

    it("leaves alone, when it is destroyed, what another stack has stored there since", async () => {
      writeFileSync(project.path(project.storage, `.${project.image}.owner`), "another's token");
      writeFileSync(project.path(project.storage, project.image), "another's image");
      const output = await project.destroy();
      assert.match(output, /no longer what this resource stored, left alone/);
      assert.deepEqual(await project.resources(), []);
      const left = project.storedFiles.filter((name) => !name.includes(".yaml"));
      assert.deepEqual(project.files(project.storage), left);
      assert.equal(project.stored(project.image), "another's image");
    });
  });

  describe("an empty stack, of which only a part is wanted", () => {
    before(() => start());
    after(() => project.remove());

    const targets = (suffix: StepSuffix): string[] =>
      project.lineage(suffix).flatMap((urn) => ["--target", urn]);

    it("says which resource is missing when only the artifact is targeted", async () => {
      const { code, output } = await project.run("up", "--yes", "--skip-preview", ...targets("artifact"));
      assert.notEqual(code, 0);
      assert.match(output, /artifact' depends on '.*-disk' which was was not specified in --target list/);
      assert.deepEqual(project.files(project.storage), []);
      assert.equal(await project.command("artifact"), undefined);
    });

    it("makes the disk alone when only that is targeted", async () => {
      await project.up(...targets("disk"));
      assert.equal((await project.result("disk"))?.["kernel"], "6.18.56-0-virt");
      assert.equal(await project.command("artifact"), undefined);
      assert.deepEqual(project.files(project.storage), []);
    });

    it("stores the image when that is targeted next, and the rest with a whole run", async () => {
      await project.up(...targets("artifact"));
      assert.deepEqual(
        project.files(project.storage).filter((name) => name.includes(".yaml")),
        [],
      );
      assert.equal(project.stored(project.image), "first build");
      await project.up();
      await assertStored("first build");
    });
  });

  describe("a create that fails", () => {
    beforeEach(() => start());
    afterEach(() => project.remove());

    it("leaves nothing in state and storage, and succeeds once its cause is gone", async () => {
      const folder = project.path(project.storage);
      mkdirSync(project.path("work/storage"));
      writeFileSync(folder, "a file where the folder should be");
      const { code, output } = await project.run("up", "--yes", "--skip-preview");
      assert.notEqual(code, 0);
      assert.match(output, /error: .*work\/storage\/v3\.23/);
      assert.equal(await project.command("artifact"), undefined);
      assert.equal(readFileSync(folder, "utf8"), "a file where the folder should be");
      rmSync(folder);
      await project.up();
      await assertStored("first build");
    });

    it("leaves no file under a final name when it fails half-way", async () => {
      const obstacle = project.path(project.storage, `${project.image}.sha512`);
      mkdirSync(obstacle, { recursive: true });
      const { code } = await project.run("up", "--yes", "--skip-preview");
      assert.notEqual(code, 0);
      assert.equal(await project.command("artifact"), undefined);
      assert.deepEqual(project.files(project.storage), []);
      rmSync(obstacle, { recursive: true });
      await project.up();
      await assertStored("first build");
    });
  });
});
