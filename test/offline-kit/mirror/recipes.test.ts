import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { alpineVersion } from "../../../offline-kit/mirror/debian.ts";
import { interpreterOf } from "../../../offline-kit/mirror/elf.ts";
import { readRecipes, recipesDirectory } from "../../../offline-kit/mirror/recipes.ts";
import { readLibraries, readSources } from "../../../offline-kit/mirror/sources.ts";

const here = join(import.meta.dirname, "../../../offline-kit/mirror");

describe("recipes", () => {
  it("are all readable, and each stand-in says so", async () => {
    const recipes = await readRecipes(recipesDirectory);
    const names = recipes.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const needed of [
      "alpine-base",
      "chrony",
      "doas",
      "grub-efi",
      "openssh",
      "syslinux",
      "tiny-cloud-nocloud",
    ]) {
      assert.ok(names.includes(needed), needed);
    }
    for (const { name, kind, take } of recipes) {
      assert.equal(kind === "stand-ins", Object.keys(take).length === 0, name);
    }
  });

  it("have no wrappers: what apk installs as a program is a program or a script with a #! line", async () => {
    for (const { name, files } of await readRecipes(recipesDirectory)) {
      for (const [path, source] of Object.entries(files)) {
        if (!/(^|\/)s?bin\//.test(path)) continue;
        const text = await readFile(source, "utf8");
        assert.doesNotMatch(text, /ld-linux|LD_LIBRARY_PATH/, `${name}: ${path}`);
      }
    }
  });

  it("have scripts that shellcheck likes", async function () {
    this.timeout(60_000);
    const recipes = await readRecipes(recipesDirectory);
    const scripts: string[] = [];
    for (const { files } of recipes) {
      for (const source of Object.values(files)) {
        const start = (await readFile(source, "utf8")).slice(0, 40);
        if (start.startsWith("#!/bin/sh") || start.startsWith("# shellcheck shell=sh")) scripts.push(source);
      }
    }
    assert.ok(scripts.length >= 4);
    await execa("shellcheck", ["--external-sources", "--source-path", "SCRIPTDIR", ...scripts]);
  });
});

describe("sources and libraries", () => {
  it("pin a wheel for both architectures of every release", async () => {
    const sources = await readSources(join(here, "sources.yaml"));
    assert.deepEqual(Object.keys(sources.releases), ["3.23.6", "3.23.5"]);
    for (const { sha256 } of Object.values(sources.releases)) {
      for (const pin of [sha256.x86_64, sha256.aarch64]) assert.match(pin, /^[0-9a-f]{64}$/);
    }
  });
  it("name one Debian package per library", async () => {
    const libraries = await readLibraries(join(here, "libraries.yaml"));
    assert.equal(libraries.get("libc.so.6"), "libc6");
  });
  it("list the apt packages that the bootstrap installs", async () => {
    const requirements = JSON.parse(await readFile(join(here, "requirements.json"), "utf8")) as {
      aptPackages: string[];
    };
    assert.ok(requirements.aptPackages.includes("patchelf"));
  });
});

describe("Debian versions", () => {
  for (const [debian, alpine] of [
    ["1:9.2p1-2+deb12u10", "9.2_p1-r21210"],
    ["4.3-2+deb12u3", "4.3-r2123"],
    ["2026f-0+deb12u1", "2026f-r0121"],
    ["3:6.04~git20190206.bf6db5b4+dfsg1-3+b1", "6.04-r31"],
    ["4.0.33-1+really4.0.32-1", "4.0.33-r1"],
    ["10.42-1", "10.42-r1"],
  ] as const) {
    it(`writes ${debian} as ${alpine}`, () => {
      assert.equal(alpineVersion(debian), alpine);
    });
  }
  it("refuses what it cannot write", () => {
    assert.throws(() => alpineVersion("unstable"), /cannot write Debian version 'unstable'/);
  });
});

describe("ELF files", () => {
  it("tells the loader of a program, and none of a text", async () => {
    assert.match(interpreterOf(await readFile(process.execPath)) ?? "", /ld-linux/);
    assert.equal(interpreterOf(Buffer.from("#!/bin/sh\n".repeat(20))), undefined);
  });
});
