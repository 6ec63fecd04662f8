import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildSettings } from "../../../src/builder/build-settings.ts";
import type * as Inputs from "../../../src/builder/inputs.ts";
import { identifiers, inputsDigest, overlayFiles } from "../../../src/builder/inputs.ts";
import { projectCopy } from "../../helpers/project-copy.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { someVariant } from "../../helpers/variant.ts";
import { throwsError } from "../../helpers/errors.ts";

const settings: BuildSettings = {
  mirror: { name: "offline", url: "file:///mirror", keyFiles: ["one.pub"] },
  extraDiskMib: 0,
  overlays: [],
  slots: 1,
  isolation: "auto",
  accelerator: "auto",
  timeoutMinutes: 30,
  cacheGib: 20,
};
const variant = someVariant();
const digest = inputsDigest(variant, settings);

/** An overlay folder with one script. */
function overlay(name: string, content: string): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "scripts", name, ".."), { recursive: true });
  writeFileSync(join(folder, "scripts", name), content);
  return folder;
}

describe("the digest of an image's inputs", () => {
  it("is the same for the same inputs", () => {
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.equal(inputsDigest(structuredClone(variant), structuredClone(settings)), digest);
  });

  it("is what it was when images were first built from such inputs", () => {
    const bios = someVariant();
    const uefi = someVariant({
      imageKey: "3.23.6-aarch64-uefi-tiny-aws",
      arch: "aarch64",
      firmware: "uefi",
      cloud: "aws",
      bootloader: "grub-efi",
      imageFormat: "vhd",
      imageFormatOptions: "vhd/force-size",
    });
    // Another digest means that published images are not made of today's inputs: only what changes their bytes may change it,
    // as an edit of a guest script does.
    assert.deepEqual(
      [inputsDigest(bios, settings), inputsDigest(uefi, settings)],
      [
        "54f85b263435ddbaa12d22d9450d5a2946866a552771814abfc385349d85c116",
        "e900663e984a8d05661c33d71123cbfbb17e5d07e7bdd67fe8f1ddac589ad40c",
      ],
    );
  });

  const publishing = {
    origins: {
      origins: {
        packages: { doas: "configs/defaults.yaml:12:3" },
        services: { default: { sshd: "configs/defaults.yaml:20:5" } },
        kernelModules: {},
        initfsFeatures: {},
      },
    },
    regions: { regions: { "eu-west-1": true } },
    access: { access: { PUBLIC: false, "123456789012": true } },
    storage: { storageUrl: "file:///elsewhere", downloadUrl: "https://example.org" },
    description: { description: "other words", project: "https://example.org" },
    "end of life": { endOfLife: "2030-01-01" },
    titles: { titles: { arch: "x86-64" }, cloudName: "No Cloud" },
    commands: { signingCommand: "sign {file}", releaseCommand: "true" },
  };
  for (const [what, changes] of Object.entries(publishing)) {
    it(`does not change with ${what}`, () => {
      assert.equal(inputsDigest(someVariant(changes), settings), digest);
    });
  }

  const bytes = {
    packages: { packages: { add: ["alpine-base"], delete: [], noScripts: [] } },
    "the order of packages": { packages: { add: ["doas", "alpine-base"], delete: [], noScripts: [] } },
    "packages in common": { basePackages: ["alpine-base"] },
    services: { services: { enable: { boot: ["syslog"] }, disable: {} } },
    scripts: { scripts: ["setup", "setup-tiny"] },
    "kernel options": { kernelOptions: ["console=ttyS0"] },
    "the disk's size": { diskSizeMib: 117 },
    release: { release: "3.23.7" },
    revision: { revision: 1 },
    motd: { motd: "Hello" },
    login: { login: "ec2-user" },
    repositories: { repos: [{ url: "https://dl-cdn.alpinelinux.org/alpine/v3.23/main", enabled: false }] },
    "release date": { releaseDate: "2026-10-02" },
    format: { imageFormat: "vhd" as const },
  };
  for (const [what, changes] of Object.entries(bytes)) {
    it(`changes with ${what}`, () => {
      assert.notEqual(inputsDigest(someVariant(changes), settings), digest);
    });
  }

  it("knows a mirror by its name, wherever it is and whoever signs it", () => {
    const { mirror } = settings;
    const moved = {
      ...settings,
      mirror: { ...mirror, url: "http://127.0.0.1:4711", keyFiles: ["other.pub"] },
    };
    assert.equal(inputsDigest(variant, moved), digest);
    assert.notEqual(inputsDigest(variant, { ...settings, mirror: { ...mirror, name: "official" } }), digest);
  });

  it("does not change with how this machine builds", () => {
    const machine = {
      slots: 4,
      isolation: "auto",
      accelerator: "tcg",
      timeoutMinutes: 5,
      cacheGib: 20,
    } as const;
    assert.equal(inputsDigest(variant, { ...settings, ...machine }), digest);
    assert.notEqual(inputsDigest(variant, { ...settings, extraDiskMib: 96 }), digest);
  });

  it("does not change with the order of keys", () => {
    const { enable, disable } = variant.services;
    const turned = Object.fromEntries(Object.entries(enable).toReversed());
    assert.equal(inputsDigest(someVariant({ services: { disable, enable: turned } }), settings), digest);
  });

  it("changes with what makes the disk, and not with what reads it", async () => {
    const of = async (file: string): Promise<string> => {
      const copy = projectCopy();
      appendFileSync(
        join(copy.root, "src/builder", file),
        file.endsWith(".ts") ? "// another line\n" : "# another line\n",
      );
      const inputs = await copy.load<typeof Inputs>("src/builder/inputs.ts");
      return inputs.inputsDigest(variant, settings);
    };
    assert.equal(await of("disk-reader/disk-facts.ts"), digest);
    assert.notEqual(await of("guest/make-disk-bios"), digest);
  });

  it("changes with the content of a key that the configuration adds, which must be there", () => {
    const key = join(temporaryFolder(), "mine.rsa.pub");
    const of = (): string => inputsDigest(someVariant({ repoKeys: [key] }), settings);
    throwsError(of, { code: "file-unreadable", where: key });
    const url = "https://example.org/mine.rsa.pub";
    throwsError(() => inputsDigest(someVariant({ repoKeys: [url] }), settings), {
      code: "file-unreadable",
      where: url,
      text: /→ download it/,
    });
    writeFileSync(key, "one");
    const one = of();
    assert.equal(of(), one);
    writeFileSync(key, "two");
    assert.notEqual(of(), one);
  });

  it("changes with an overlay's scripts, and not with where the overlay is", () => {
    const of = (...overlays: string[]): string => inputsDigest(variant, { ...settings, overlays });
    const one = of(overlay("setup", "one"));
    assert.notEqual(one, digest);
    assert.equal(of(overlay("setup", "one")), one);
    assert.notEqual(of(overlay("setup", "two")), one);
    assert.notEqual(of(overlay("setup-2", "one")), one);
    assert.equal(of(temporaryFolder()), digest, "an overlay without scripts");
  });
});

describe("overlays' files", () => {
  it("are all below scripts/, a later overlay's over an earlier one's", () => {
    const files = overlayFiles([
      overlay("setup", "first"),
      overlay("deep/file", "deep"),
      overlay("setup", "last"),
    ]);
    assert.deepEqual(
      Object.entries(files).map(([name, content]) => [name, content.toString()]),
      [
        ["scripts/setup", "last"],
        ["scripts/deep/file", "deep"],
      ],
    );
  });
});

describe("identifiers inside an image", () => {
  it("follow from the digest alone, and differ from each other", () => {
    const ids = identifiers(digest);
    assert.deepEqual(identifiers(digest), ids);
    assert.equal(new Set(Object.values(ids)).size, Object.keys(ids).length);
    const others = Object.values(identifiers(digest.replace(/^./, (first) => (first === "0" ? "1" : "0"))));
    for (const id of Object.values(ids)) assert.ok(!others.includes(id));
  });

  it("are valid: UUIDs of version 8, and numbers of 32 bits", () => {
    const { diskId, efiVolumeId, ...uuids } = identifiers(digest);
    for (const [name, uuid] of Object.entries(uuids)) {
      assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, name);
    }
    for (const id of [diskId, efiVolumeId]) assert.match(id, /^[0-9a-f]{8}$/);
  });

  it("do not change with the builder: images of the same inputs stay the same", () => {
    assert.deepEqual(identifiers("0".repeat(64)).rootUuid, "49db7d2b-60f9-88be-a832-4736019f2e24");
  });
});
