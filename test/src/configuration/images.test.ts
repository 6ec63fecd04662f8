import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { project, repository as root } from "./project.ts";
import { images } from "../../helpers/configuration.ts";
import type { Fault } from "../../../src/lib/user-error.ts";
import { throwsError } from "../../helpers/errors.ts";

const ledger = "test/src/configuration/original.releases.yaml";
interface Image {
  key: string;
  imageKey: string;
  configKey: string;
  revision: number;
  project: string;
  storageUrl: string;
  state: { stage: string };
}
const list = (options: object): Image[] =>
  JSON.parse(images({ root, ledger, json: true, ...options }).text) as Image[];
const keys = (options: object) => list(options).map(({ imageKey }) => imageKey);

describe("npm run images", () => {
  it("prints an array in stable order, with key and revision among its fields", () => {
    const all = list({});
    assert.equal(all.length, 96);
    assert.equal(all[0]!.imageKey, "3.17.7-x86_64-bios-cloudinit-aws");
    assert.equal(all[0]!.revision, 0);
    assert.equal(all[0]!.key, "3.17.7-x86_64-bios-cloudinit-aws-r0");
    assert.equal(images({ root, ledger, json: true }).text, images({ root, ledger, json: true }).text);
    // They change with every line that moves.
    assert.ok(all.every((image) => !("origins" in image)));
  });

  it("prints a table with a line for each image", () => {
    const lines = images({ root, ledger, only: ["3.17"] }).text.split("\n");
    assert.equal(lines.length, 1 + 6 + 1);
    assert.match(
      lines[1]!,
      /^3\.17\.7-x86_64-bios-cloudinit-aws +0 +release +2024-11-22 +vhd +180 +aws_alpine-3\.17\.7/,
    );
    assert.equal(lines.at(-1), "6 images");
  });

  it("selects by words of the key: all of --only, none of --skip", () => {
    assert.equal(keys({ only: ["3.19", "aws"] }).length, 6);
    assert.equal(keys({ only: ["aws", "azure"] }).length, 0);
    assert.equal(keys({ only: ["aws"], skip: ["uefi", "tiny"] }).length, 4);
    assert.equal(keys({ only: ["3.19.1"] }).length, 0, "a release is no word of the key");
    assert.equal(keys({ only: ["3.1"] }).length, 0, "words are whole");
  });

  it("selects by globs, of words and of whole keys", () => {
    assert.equal(keys({ only: ["3.1[89]", "a{ws,zure}"] }).length, 24);
    assert.equal(keys({ only: ["*64"], skip: ["*"] }).length, 0);
    assert.deepEqual(keys({ only: ["3.20.2-*-bios-tiny-aws"] }), ["3.20.2-x86_64-bios-tiny-aws"]);
    assert.deepEqual(keys({ only: ["3.20-aarch64-uefi-tiny-oci"] }), ["3.20.2-aarch64-uefi-tiny-oci"]);
    assert.equal(keys({ only: ["3.20.2-aarch64-uefi-tiny-oci-r0"] }).length, 1);
  });

  it("warns of a word that no image has, with the nearest", () => {
    assert.deepEqual(images({ root, ledger, only: ["azur"] }).warnings, [
      'no image has the word "azur"; did you mean "azure"?',
    ]);
    assert.deepEqual(images({ root, ledger, skip: ["bios"] }).warnings, []);
  });

  it("takes overlays, versions, project, storage and ceiling from a stack", () => {
    const stack = `config:
  alpine:versions: ["3.19"]
  alpine:stage: import
  alpine:project: mine
  alpine:storageUrl: file:///mine/{cloud}
`;
    const mine = project({ "Pulumi.mine.yaml": stack });
    const all = list({ root: mine, ledger: undefined, stack: "mine" });
    assert.equal(all.length, 16);
    assert.equal(all[0]!.project, "mine");
    assert.equal(all[0]!.storageUrl, "file:///mine/aws");
    assert.equal(all[0]!.state.stage, "local", "the lower of the entry's stage and the ceiling");
    const high = project({
      "Pulumi.mine.yaml": "config: { alpine:overlays: [high] }",
      "configs/overlays/high/defaults.yaml": "project: high",
    });
    assert.equal(list({ root: high, ledger: undefined, stack: "mine" })[0]!.project, "high");
  });

  it("takes overlays from the command", () => {
    const all = keys({
      ledger: "test/src/configuration/original-testing.releases.yaml",
      overlay: ["overlays/testing"],
    });
    assert.equal(all.length, 192);
    assert.ok(all.includes("3.19.1-x86_64-uefi-tiny-aws-metal"));
  });

  it("resolves the overlay that the README starts from", () => {
    const { text } = images({ root, overlay: ["example"], json: true });
    const [image, ...more] = JSON.parse(text) as { name: string; scripts: string[]; access: object }[];
    assert.equal(more.length, 0);
    assert.equal(image!.name, "nocloud_example-3.23.6-x86_64-bios-tiny-r0");
    assert.ok(readFileSync(join(root, "README.md"), "utf8").includes(`# one image: ${image!.name}`));
    assert.deepEqual(image!.scripts, ["setup", "setup-hello", "setup-tiny", "cleanup"]);
    assert.deepEqual(image!.access, { PUBLIC: false });
  });

  it("explains which layer set which part, and when", () => {
    const explain = (...args: string[]) => images({ root, ledger, explain: args }).text;
    const kernel = explain("3.19.1-aarch64-uefi-tiny-aws", "kernelOptions");
    assert.match(kernel, /configs\/version\.yaml:\d+:1 +sets/);
    assert.match(kernel, /configs\/arch\/aarch64\.yaml:\d+:1 +adds/);
    assert.match(
      kernel,
      /configs\/cloud\/aws\.yaml:\d+:\d+ +adds +when \{"arch":"aarch64"\} +\{"console=ttyAMA0,115200n8":false/,
    );
    assert.match(
      explain("3.19-aarch64-uefi-cloudinit-aws", "diskSizeMib"),
      /cloudinit\.yaml:\d+:1 +adds +\[64\]\n= 228$/,
    );
    assert.match(
      explain("3.19.1-aarch64-uefi-tiny-aws-r0", "release"),
      /no layer sets it.*original\.releases\.yaml:\d+/,
    );
    throwsError(() => explain("3.19.1-aarch64-uefi-tiny-aws", "packges"), {
      code: "unknown-field",
      where: "--explain packges",
      text: /did you mean "packages"/,
    });
    throwsError(() => explain("3.19.1-aarch64-uefi-tiny-asw", "motd"), {
      code: "unknown-image",
      where: "--explain 3.19.1-aarch64-uefi-tiny-asw",
    });
    for (const args of [
      [],
      ["3.19.1-aarch64-uefi-tiny-aws"],
      ["3.19.1-aarch64-uefi-tiny-aws", "motd", "name"],
    ]) {
      throwsError(() => explain(...args), { code: "usage", where: "--explain" });
    }
  });
});

describe("the images command", () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ["scripts/images.ts", ...args], { cwd: root });

  it("fails with every mistake: on stderr for people, on stdout as JSON", async () => {
    const bad = project({ "configs/cloud/aws.yaml": "tittle: AWS", "configs/arch/x86_64.yaml": "name: x" });
    await assert.rejects(
      run("--root", bad, "--json"),
      (error: { code: number; stdout: string; stderr: string }) => {
        assert.equal(error.code, 1);
        const { code, where, hint, problems } = JSON.parse(error.stdout) as Fault;
        assert.deepEqual({ code, where, hint }, { code: "configuration-invalid", where: null, hint: null });
        assert.deepEqual(problems?.map((one) => `${one.code} ${one.where}`).sort(), [
          "unknown-key configs/cloud/aws.yaml:1:1 tittle",
          "value-invalid configs/arch/x86_64.yaml:1:7 name",
        ]);
        assert.match(
          error.stderr,
          /^configs\/cloud\/aws\.yaml:1:1: tittle: unknown key; did you mean "title"\?$/m,
        );
        assert.match(error.stderr, /^configs\/arch\/x86_64\.yaml:1:7: name: expected a list/m);
        assert.match(error.stderr, /^2 errors; nothing was done\.$/m);
        return true;
      },
    );
  });

  it("takes options as the README has them", async () => {
    const { stdout } = await run("--ledger", ledger, "--only", "3.20", "aws", "--skip", "tiny", "bios");
    assert.equal(stdout.trim().split("\n").at(-1), "2 images");
    const { stdout: json } = await run("--root", join(root, "."), "--ledger", ledger, "--json");
    assert.equal((JSON.parse(json) as unknown[]).length, 96);
  });
}).timeout(30_000);
