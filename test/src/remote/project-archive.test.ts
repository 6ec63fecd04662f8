import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { spawnSync } from "node:child_process";
import type { BuildSettings } from "../../../src/builder/build-settings.ts";
import type * as Inputs from "../../../src/builder/inputs.ts";
import type * as ProjectArchive from "../../../src/remote/project-archive.ts";
import { type ProjectCopy, projectCopy, projectRoot } from "../../helpers/project-copy.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { someVariant } from "../../helpers/variant.ts";
import { rejectsWith } from "../../helpers/errors.ts";

const variant = someVariant({ repoKeys: ["configs/overlays/mine/keys/mine.rsa.pub"] });

describe("the project on its way to a builder", function () {
  this.timeout(20_000);
  let copy: ProjectCopy;
  let archives: typeof ProjectArchive;
  let build: BuildSettings;

  before(async () => {
    copy = projectCopy();
    const outside = temporaryFolder();
    put(join(outside, "stack.rsa.pub"), "a key of the stack");
    put(join(outside, "scripts/files/motd"), "of an overlay elsewhere");
    put(join(copy.root, "configs/overlays/mine/keys/mine.rsa.pub"), "a key of the overlay");
    put(join(copy.root, "configs/overlays/mine/scripts/setup-mine"), "#!/bin/sh\n");
    chmodSync(join(copy.root, "configs/overlays/mine/scripts/setup-mine"), 0o755);
    put(join(copy.root, "configs/overlays/mine/cloud/aws.yaml"), "packages: {}\n");
    put(join(copy.root, "configs/overlays/mine/releases.yaml"), "versions: {}\n");
    put(join(copy.root, "configs/overlays/plain/defaults.yaml"), "{}\n");
    put(join(copy.root, "configs/overlays/other/scripts/setup-other"), "#!/bin/sh\n");
    for (const file of [
      "package-lock.json",
      "Pulumi.dev.yaml",
      "clouds/aws/account/Pulumi.main.yaml",
      ".git/config",
      "work/images/x",
      ".tools/x",
    ]) {
      put(join(copy.root, file), "{}");
    }
    build = {
      mirror: { name: "offline", url: "file:///mirror", keyFiles: [join(outside, "stack.rsa.pub")] },
      extraDiskMib: 96,
      slots: "auto",
      isolation: "auto",
      accelerator: "auto",
      timeoutMinutes: 30,
      cacheGib: 20,
      overlays: ["configs/overlays/mine", outside, "configs/overlays/plain"],
    };
    archives = await copy.load<typeof ProjectArchive>("src/remote/project-archive.ts");
  });

  function put(file: string, content: string): void {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, content);
  }

  const tar = (bytes: Buffer, ...args: string[]): string[] => {
    const { status, stdout, stderr } = spawnSync("tar", ["-zf", "-", ...args], { input: bytes });
    assert.equal(status, 0, stderr.toString());
    return stdout.toString().split("\n").filter(Boolean);
  };

  it("is what a build reads, and nothing else", async () => {
    const { bytes } = await archives.packProject(variant, build);
    const names = tar(bytes, "-t");
    assert.deepEqual([...new Set(names.map((name) => name.split("/")[0]))].sort(), [
      "clouds",
      "components",
      // A key that the variant names, by the path that it has here.
      "configs",
      "job",
      "package-lock.json",
      "package.json",
      "scripts",
      "src",
      "tsconfig.json",
    ]);
    for (const name of [
      "scripts/step.ts",
      "src/builder/guest/init",
      "src/configuration/variant.ts",
      "job/overlays/0/scripts/setup-mine",
      "job/overlays/1/scripts/files/motd",
      "job/keys/stack.rsa.pub",
    ]) {
      assert.ok(names.includes(name), name);
    }
    // Settings of stacks have account ids and secrets.
    assert.deepEqual(
      names.filter((name) => /Pulumi.*\.yaml$/.test(name)),
      [],
    );
    // The variant is resolved: no layer and no ledger travels, only keys that the variant names and scripts of overlays in use.
    const ofConfiguration = names.filter((name) => /^(configs|job\/overlays)\//.test(name));
    assert.deepEqual(ofConfiguration.sort(), [
      "configs/overlays/mine/keys/mine.rsa.pub",
      "job/overlays/0/scripts/setup-mine",
      "job/overlays/1/scripts/files/motd",
    ]);
  });

  it("is the same wherever and whenever it is packed, and another when a file is", async () => {
    const first = await archives.packProject(variant, build);
    utimesSync(join(copy.root, "package.json"), 1, 1);
    chmodSync(join(copy.root, "package.json"), 0o600);
    const second = await archives.packProject(variant, build);
    assert.ok(first.bytes.equals(second.bytes));
    assert.deepEqual(second, first);
    put(join(copy.root, "package-lock.json"), '{ "other": true }');
    const third = await archives.packProject(variant, build);
    assert.notEqual(third.digest, first.digest);
    assert.notEqual(third.packages, first.packages);
  });

  it("has the same inputs there as here, and keeps what is executable so", async () => {
    const { bytes } = await archives.packProject(variant, build);
    const there = temporaryFolder();
    tar(bytes, "-x", "-C", there);
    assert.equal(spawnSync(join(there, "job/overlays/0/scripts/setup-mine")).status, 0);
    symlinkSync(join(projectRoot, "node_modules"), join(there, "node_modules"));
    const load = async (root: string): Promise<typeof Inputs> =>
      (await import(pathToFileURL(join(root, "src/builder/inputs.ts")).href)) as typeof Inputs;
    const [inputsHere, inputsThere] = [await load(copy.root), await load(there)];
    assert.equal(
      inputsThere.inputsDigest(variant, archives.settingsThere(build)),
      inputsHere.inputsDigest(variant, build),
    );
  });

  it("cannot take keys along that lie outside, for their path is part of the inputs", async () => {
    for (const key of ["/etc/key.pub", "../key.pub"]) {
      await rejectsWith(archives.packProject(someVariant({ repoKeys: [key] }), build), {
        code: "builder-key-outside-project",
        where: key,
      });
    }
  });
});
