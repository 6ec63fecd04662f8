/** The whole way of the data, in the project's own program: a real image from real packages, built, booted, stored. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import { parse } from "yaml";
import { runProgram } from "../helpers/processes.ts";
import { DeclaredImage, skipWithoutMirror } from "./declared-image.ts";

/** Keys of the original's metadata, in its order, that an image has before it is imported anywhere. */
const originalKeys = [
  "arch",
  "bootstrap",
  "cloud",
  "description",
  "end_of_life",
  "firmware",
  "image_key",
  "name",
  "project",
  "release",
  "revision",
  "version",
  "built",
  "uploaded",
];

/** An error of the program once took a minute and a half to print. */
const mistakeMilliseconds = 60_000;

describe("the program: one NoCloud image", function () {
  this.timeout(1_200_000);
  let project: DeclaredImage;

  before(async function () {
    skipWithoutMirror(this);
    project = new DeclaredImage();
    await project.begin();
  });

  after(() => project?.end());

  const status = () =>
    runProgram("node", ["scripts/status.ts"], {
      cwd: project.folder,
      env: project.environment,
    });

  it("refuses a setting that it doesn't know, and names the nearest", async function () {
    this.timeout(mistakeMilliseconds);
    project.configure(project.settings({ "alpine:storageURL": "file://elsewhere" }));
    const { code, output } = await project.run("preview");
    project.configure(project.settings());
    assert.notEqual(code, 0);
    assert.match(output, /storageURL.*did you mean "?storageUrl/is);
  });

  it("refuses a stage that it doesn't know", async function () {
    this.timeout(mistakeMilliseconds);
    project.configure(project.settings({ "alpine:stage": "uplaod" }));
    const { code, output } = await project.run("preview");
    project.configure(project.settings());
    assert.notEqual(code, 0);
    assert.match(output, /stage.*uplaod/is);
    assert.match(output, /upload/);
  });

  it("builds the image, boots it and stores it with its checksum and metadata", async () => {
    await project.up();
    const { name } = project;
    const shown = ["cdx.json", "intoto.json", "qcow2", "yaml"].flatMap((kind) => [
      `${name}.${kind}`,
      `${name}.${kind}.sha512`,
    ]);
    const stored = project.files(project.storage).filter((file) => !file.startsWith("."));
    assert.deepEqual(stored, shown);
    const check = await runProgram(
      "sha512sum",
      ["-c", "--strict", ...shown.filter((n) => n.endsWith("512"))],
      {
        cwd: project.path(project.storage),
      },
    );
    assert.equal(check.code, 0, check.stdout + check.stderr);

    const outputs = JSON.parse(await project.succeed("stack", "output", "--json")) as {
      images: Record<string, { image: string; sha512: string; bootTest: { passed: number } }>;
    };
    const image = outputs.images[project.key];
    assert.ok((image?.bootTest.passed ?? 0) > 10, JSON.stringify(outputs));
    const sum = readFileSync(project.path(project.storage, `${name}.qcow2.sha512`), "utf8");
    assert.equal(sum, `${image?.sha512}  ${name}.qcow2\n`);
  });

  it("describes the image by the original's keys", () => {
    const text = readFileSync(project.path(project.storage, `${project.name}.yaml`), "utf8");
    const metadata = parse(text) as Record<string, unknown>;
    assert.deepEqual(Object.keys(metadata).slice(0, originalKeys.length), originalKeys);
    for (const key of originalKeys)
      assert.ok(metadata[key] !== null && metadata[key] !== "", `${key} is empty`);
    assert.equal(metadata["release"], "3.23.6");
    assert.equal(metadata["version"], "3.23");
    assert.equal(metadata["revision"], 0);
    assert.equal(metadata["end_of_life"], "2027-11-01");
    assert.equal(metadata["image_key"], "3.23.6-x86_64-bios-tiny-nocloud");
    assert.equal(metadata["mirror"], "offline");
    assert.equal(metadata["sbom"], `${project.name}.cdx.json`);
    assert.equal(metadata["provenance"], `${project.name}.intoto.json`);
  });

  it("bills every package, and swears to the image and its bill", async () => {
    const read = (kind: string): string =>
      readFileSync(project.path(project.storage, `${project.name}.${kind}`), "utf8");
    assert.equal(await new JsonStrictValidator(Version.v1dot6).validate(read("cdx.json")), null);
    const { components } = JSON.parse(read("cdx.json")) as {
      components: { type: string; licenses?: unknown }[];
    };
    const packages = components.filter(({ type }) => type === "library");
    assert.equal(packages.length, (await project.result("disk"))?.["packages"]);
    assert.deepEqual(
      packages.filter(({ licenses }) => licenses === undefined),
      [],
    );
    const { subject } = JSON.parse(read("intoto.json")) as {
      subject: { name: string; digest: { sha512: string } }[];
    };
    const sums = subject.map(({ name, digest }) => `${digest.sha512}  ${name}\n`);
    assert.deepEqual(
      sums,
      ["qcow2", "cdx.json"].map((kind) => read(`${kind}.sha512`)),
    );
  });

  it("stores a disk that QEMU finds in order", async () => {
    const file = project.path(project.storage, `${project.name}.qcow2`);
    const info = await runProgram("qemu-img", ["info", "--output=json", file]);
    assert.equal(info.code, 0, info.stderr);
    const { format, ...sizes } = JSON.parse(info.stdout) as Record<string, unknown>;
    assert.equal(format, "qcow2");
    assert.equal(sizes["virtual-size"], Number((await project.result("disk"))?.["diskSizeMib"]) << 20);
    const check = await runProgram("qemu-img", ["check", file]);
    assert.equal(check.code, 0, check.stdout + check.stderr);
  });

  it("has nothing left to do, and nothing left over", async () => {
    assert.deepEqual((await project.preview("--expect-no-changes")).changes, {});
    assert.deepEqual(project.files("work/tmp"), []);
  });

  it("is told as done by `npm run status`, without naming the stack", async () => {
    const { code, stdout, stderr } = await status();
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^${project.stack} +${project.key} +upload +yes +yes +yes$`, "m"));
    assert.match(stdout, /1 image: 1 at upload; nothing pending$/m);
  });

  it("builds nothing anew when the mirror has moved", async () => {
    const before = [await project.result("disk"), await project.result("artifact")];
    await project.moveMirror();
    project.configure(project.settings());
    const output = await project.up();
    assert.doesNotMatch(output, /start the build guest/);
    assert.deepEqual([await project.result("disk"), await project.result("artifact")], before);
    assert.ok(existsSync(project.path(project.storage, `${project.name}.qcow2`)));
  });

  it("removes all of it again", async () => {
    await project.destroy();
    assert.deepEqual(await project.resources(), []);
    assert.equal(existsSync(project.path("work/storage")), false);
    assert.equal(existsSync(project.path("work/images")), false);
    const { code, stdout } = await status();
    assert.equal(code, 2, stdout);
    assert.match(stdout, /pending: not built; not stored; not described$/m);
  });
});
