/**
 * A cloud is one folder, one line in the registry, and one YAML layer: this adds the throw-away cloud of
 * `test/example-cloud`, takes an image of it all the way, and removes it again. Nothing else in the checkout is edited.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ended, runProgram } from "../helpers/processes.ts";
import { DeclaredImage, skipWithoutMirror } from "./declared-image.ts";

const registry = "clouds/registry.ts";
const layer = "configs/cloud/example.yaml";

describe("a new cloud: a folder, a line in the registry, and a layer", function () {
  this.timeout(1_200_000);
  let project: DeclaredImage;
  let sources: string;
  const account = () => project.path("work/example-account");

  before(async function () {
    skipWithoutMirror(this);
    project = new DeclaredImage({ arch: "x86_64", firmware: "bios", cloud: "example" });
    sources = digestOfSources(project);
    addCloud(project);
    await project.begin();
    const ledger = readFileSync(project.path("releases.test.yaml"), "utf8");
    project.write("releases.test.yaml", ledger.replace("stage: upload", "stage: import"));
  });

  after(() => project?.end());

  const settings = () =>
    project.settings({ "alpine:stage": "import", "alpine:example": { folder: account() } });
  const program = async (name: string, ...args: string[]): Promise<Ended> =>
    await runProgram("node", [`scripts/${name}.ts`, ...args], {
      cwd: project.folder,
      env: project.environment,
    });
  const printed = async (name: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await program(name, ...args);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };

  it("resolves, with its options and their defaults", async () => {
    const [image, ...others] = JSON.parse(
      await printed("images", "--ledger", "releases.test.yaml", "--json"),
    ) as { key: string; example: unknown; tags: Record<string, string> }[];
    assert.deepEqual(others, []);
    assert.equal(image?.key, project.key);
    assert.deepEqual(image.example, { shape: "small" });
  });

  it("is asked what keeps its images from their stage", async () => {
    project.configure(project.settings({ "alpine:stage": "import" }));
    const { code, output } = await project.run("preview");
    assert.notEqual(code, 0);
    assert.match(output, /stage import needs setting example\.folder/);
  });

  it("appears in preflight, which stops a run before anything is built", async () => {
    project.configure(settings());
    const unready = await program("preflight", "--stack", project.stack);
    assert.equal(unready.code, 1);
    assert.match(unready.stdout, /error +account .*no folder\n *→ make it/);
    assert.match(unready.stdout, /1 example image planned: 1 error/);
    const { code, output } = await project.run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, /no folder/);
    assert.deepEqual(project.builtImages(), []);
    mkdirSync(account(), { recursive: true });
    assert.match(await printed("preflight", "--stack", project.stack), /1 example image planned: ready/);
  });

  it("builds, boots on its machine with its metadata service, is stored and imported", async () => {
    await project.up();
    const { images } = JSON.parse(await project.succeed("stack", "output", "--json")) as {
      images: Record<string, { bootTest: { passed: number }; sha512: string; imported: object }>;
    };
    const image = images[project.key]!;
    // Without its metadata service, an image has no key for the boot test to log in with.
    assert.ok(image.bootTest.passed > 10, JSON.stringify(image));
    assert.deepEqual(image.imported, { region: "here", imageId: `image-${image.sha512.slice(0, 12)}` });
    assert.equal(readFileSync(join(account(), project.key), "utf8"), `${image.sha512}\n`);
    assert.deepEqual((await project.preview()).changes, {});
  });

  it("appears in status", async () => {
    const [row] = JSON.parse(await printed("status", "--stack", project.stack, "--json")) as {
      key: string;
      imported: boolean;
      pending: string[];
    }[];
    assert.equal(row?.key, project.key);
    assert.equal(row.imported, true);
    assert.deepEqual(row.pending, []);
  });

  it("appears in recover", async () => {
    writeFileSync(join(account(), "killed.unfinished"), "");
    const { code, stderr } = await program("recover", "--stack", project.stack);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /deleted killed\.unfinished in example/);
    assert.match((await program("recover", "--stack", project.stack)).stderr, /needs no recovery/);
  });

  it("goes with its images, its folder, its line and its layer, and leaves no trace in the sources", async () => {
    await project.destroy();
    assert.deepEqual(project.files("work/example-account"), []);
    rmSync(project.path("clouds/example"), { recursive: true });
    rmSync(project.path(layer));
    const text = readFileSync(project.path(registry), "utf8");
    project.write(registry, text.replace(importLine, "").replace(", example]", "]"));
    assert.equal(digestOfSources(project), sources);
    const { code, stderr } = await program("images", "--ledger", "releases.test.yaml");
    assert.equal(code, 1);
    assert.match(stderr, /releases\.test\.yaml:\d+.*cloud.*example/);
  });
});

const importLine = 'import { example } from "./example/index.ts";\n';

function addCloud(project: DeclaredImage): void {
  cpSync(join(import.meta.dirname, "../example-cloud"), project.path("clouds/example"), { recursive: true });
  const text = readFileSync(project.path(registry), "utf8");
  const added = text
    .replace(/^import type \{ Cloud \}/m, `${importLine}$&`)
    .replace(/(?<=clouds: .*= \[.*)\];/, ", example];");
  assert.equal(added.split("example").length, 4, added);
  project.write(registry, added);
  project.write(
    layer,
    "title: Example\nimageFormat: qcow2\nexample: {}\npackages: { tiny-cloud-aws: true }\nexclude: [{ bootstrap: cloudinit }]\n",
  );
}

/** One digest of all that a checkout's programs and data say. */
function digestOfSources(project: DeclaredImage): string {
  const hash = createHash("sha256");
  for (const folder of ["clouds", "components", "configs", "scripts", "src"]) {
    for (const file of project.files(folder)) {
      hash.update(`${folder}/${file}\n`).update(readFileSync(project.path(folder, file)));
    }
  }
  return hash.digest("hex");
}
