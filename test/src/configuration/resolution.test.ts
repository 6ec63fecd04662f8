/** What layers mean: the worked examples of the original, with a note where ours is deliberately nicer. */
import assert from "node:assert/strict";
import type { Variant } from "../../../src/configuration/variant.ts";
import { least, pick, project, repository, variants } from "./project.ts";
import { loadVariants } from "../../helpers/configuration.ts";

const edge = `
versions:
  edge:
    entries:
      - release: 20240701
        date: 2024-07-01
        revision: 0
        stage: release
        added: 2024-07-01
        endOfLife: 2024-07-02
        images:
          - { arch: [x86_64, aarch64], firmware: uefi, bootstrap: [tiny, cloudinit], cloud: [aws, azure, gcp, nocloud, oci] }
`;

/** The project's own layers with this ledger. */
function ours(ledger: string, overlays: string[] = [], machine = ""): Variant[] {
  const root = project({ "ledger.yaml": ledger.replace(" }\n", `${machine} }\n`) }, {});
  return loadVariants({ root: repository, ledgerFile: `${root}/ledger.yaml`, overlays });
}

const original = loadVariants({
  root: repository,
  ledgerFile: "test/src/configuration/original.releases.yaml",
});

const awsOf = (variant: Variant): unknown => (variant as Variant & { aws?: unknown }).aws;

describe("worked examples", () => {
  it("1: a reset and a value in one layer leave only that value (the original appended, contrary to its documentation)", () => {
    const all = variants({
      "configs/defaults.yaml": `${least["configs/defaults.yaml"]}scripts: [a]`,
      "configs/firmware/uefi.yaml": "{ title: UEFI, reset: [scripts], scripts: [b] }",
    });
    assert.deepEqual(pick(all, "uefi").scripts, ["b"]);
    assert.deepEqual(pick(all, "bios").scripts, ["a"]);
  });

  it("2: null forgets what earlier layers said", () => {
    const all = variants({
      "configs/defaults.yaml": `${least["configs/defaults.yaml"]}scripts: [a]`,
      "configs/arch/x86_64.yaml": "{ title: x86_64, scripts: null }",
      "configs/firmware/uefi.yaml": "{ title: UEFI, scripts: [b] }",
    });
    assert.deepEqual(pick(all, "x86_64", "uefi").scripts, ["b"]);
    assert.deepEqual(pick(all, "aarch64", "uefi").scripts, ["a", "b"]);
  });

  it("3: of several `when` that match, the one written later wins (the original let a nested one win)", () => {
    const rules = (last: string) => ({
      "configs/cloud/aws.yaml": `
title: AWS
when:
  - { match: { cloud: aws, arch: x86_64 }, login: both }
  - { match: { arch: x86_64 }, login: one }
${last}`,
    });
    assert.equal(pick(variants(rules("")), "aws", "x86_64").login, "one");
    const both = "  - { match: { cloud: aws, arch: x86_64 }, login: both }";
    assert.equal(pick(variants(rules(both)), "aws", "x86_64").login, "both");
    assert.equal(pick(variants(rules(both)), "aws", "aarch64").login, "alpine");
  });

  it("4: the console of aarch64, turned round again for aws", () => {
    const options = (cloud: string) =>
      pick(original, "3.19", "aarch64", "uefi", "tiny", cloud).kernelOptions.join(" ");
    assert.equal(options("aws"), "console=ttyS0,115200n8 nvme_core.io_timeout=4294967295");
    assert.equal(options("azure"), "console=ttyAMA0,115200n8");
  });

  it("5: edge has its own three repositories", () => {
    const repos = ["main", "community", "testing"].map((name) => ({
      url: `https://dl-cdn.alpinelinux.org/alpine/edge/${name}`,
      enabled: true,
    }));
    assert.deepEqual(pick(ours(edge), "edge").repos, repos);
  });

  it("6: disk sizes add up", () => {
    assert.equal(pick(original, "3.19", "aarch64", "uefi", "cloudinit").diskSizeMib, 228);
  });

  it("7: null in a map is neither added nor deleted, false is deleted", () => {
    const { add, delete: gone } = pick(original, "3.19", "cloudinit").packages;
    assert.ok(![...add, ...gone].includes("dhcpcd"));
    assert.deepEqual(gone, ["sudo"]);
    assert.ok(pick(original, "3.19", "tiny").packages.add.includes("dhcpcd"));
  });

  it("8: packages keep the place where they first came", () => {
    const all = variants({
      "configs/defaults.yaml": `${least["configs/defaults.yaml"]!.replace("repos: {}", "repos: { https://edge.example: edge }")}packages: { a: true, b: true, c: true, d: true, e: true }`,
      "configs/arch/x86_64.yaml": `
title: x86_64
packages: { b: null, a: false, z: true, c: edge, d: --no-scripts, e: --no-scripts edge }`,
      "configs/firmware/bios.yaml": "{ title: BIOS, packages: { b: true } }",
    });
    assert.deepEqual(pick(all, "x86_64", "bios").packages, {
      add: ["b", "c@edge", "z"],
      delete: ["a"],
      noScripts: ["d", "e@edge"],
    });
  });

  it("9: services by runlevel, none where none is left", () => {
    const all = variants({
      "configs/defaults.yaml": `${least["configs/defaults.yaml"]}services: { boot: { a: true, b: true }, default: { c: true } }`,
      "configs/arch/x86_64.yaml":
        "{ title: x86_64, services: { boot: { a: false, b: null }, default: { d: true } } }",
    });
    const services = { enable: { default: ["c", "d"] }, disable: { boot: ["a"] } };
    assert.deepEqual(pick(all, "x86_64").services, services);
  });

  it("10: edge on aws with overlay testing", () => {
    const image = pick(ours(edge, ["testing"], ", machine: [vm, metal]"), "aws", "vm");
    assert.deepEqual(image.regions, { ALL: false, "us-east-1": true, "us-west-2": true });
    assert.deepEqual(image.access, { PUBLIC: false });
    assert.match(image.name, /^test-20240701-.*-r0$/);
    assert.equal(image.endOfLife, "2024-07-02");
  });
});

describe("layers", () => {
  it("beat each other in the order defaults, dimensions, mandatory, and overlays come after the project's own", () => {
    const login = (value: string) => `login: ${value}`;
    const files = {
      "configs/version/3.19.yaml": login("version"),
      "configs/cloud/aws.yaml": `title: AWS\n${login("aws")}`,
      "configs/overlays/mine/cloud/aws.yaml": login("mine"),
      "configs/overlays/mine/cloud.yaml": login("all clouds"),
    };
    assert.equal(pick(variants(files), "aws").login, "aws");
    assert.equal(pick(variants(files), "azure").login, "version");
    assert.equal(pick(variants(files, { overlays: ["mine"] }), "aws").login, "mine");
    assert.equal(pick(variants(files, { overlays: ["mine"] }), "azure").login, "all clouds");
    const last = { ...files, "configs/mandatory.yaml": login("mandatory") };
    assert.equal(pick(variants(last, { overlays: ["overlays/mine"] }), "aws").login, "mandatory");
  });

  it("match when any value of each dimension does, later dimensions included", () => {
    const all = variants({
      "configs/version/3.19.yaml": `
when:
  - { match: { cloud: [aws, azure], arch: aarch64 }, login: match }
  - { match: { cloud: gone-too, version: 3.18 }, login: never }`,
      "configs/cloud/gone-too.yaml": "title: x",
    });
    assert.equal(pick(all, "aarch64", "azure").login, "match");
    assert.equal(pick(all, "x86_64", "azure").login, "alpine");
  });

  it("fill {words} in, also further ones, and leave braces that are doubled", () => {
    const all = variants({
      "configs/defaults.yaml": `${least["configs/defaults.yaml"]}
vars: { host: example.org }
signingCommand: sign {file} for {{me}}
releaseCommand: release {base} on {host} {v_version}
motd: { one: "{release} {end_of_life}", gone: null, release_notes: "see {release_notes}" }`,
      "configs/mandatory.yaml": "motd: { last: [two, lines] }",
    });
    const { signingCommand, releaseCommand, name, motd } = pick(all, "aws");
    assert.equal(signingCommand, "sign {file} for {me}");
    assert.equal(releaseCommand, `release ${name} on example.org v3.19`);
    assert.equal(motd, "3.19.1 2025-11-01\n\ntwo\nlines");
  });

  it("end with the stack's project and storage", () => {
    const overrides = { project: "mine", storageUrl: "file:///mine/{cloud}" };
    const image = pick(variants({ "configs/mandatory.yaml": "project: ours" }, { overrides }), "aws");
    assert.equal(image.project, "mine");
    assert.equal(image.storageUrl, "file:///mine/aws");
  });

  it("name release notes where the ledger does, a single entry's before its version's", () => {
    const ledger = least["configs/releases.yaml"]!;
    const version = ledger.replace("endOfLife", "releaseNotes: https://v\n    endOfLife");
    const files = (text: string) => ({
      "configs/releases.yaml": text,
      "configs/mandatory.yaml": 'motd: { release_notes: "<{release_notes}>" }',
    });
    assert.equal(pick(variants(files(ledger)), "aws").motd, "");
    assert.equal(pick(variants(files(version)), "aws").motd, "<https://v>");
    const entry = version.replace("stage:", "releaseNotes: https://e\n        stage:");
    assert.equal(pick(variants(files(entry)), "aws").releaseNotes, "https://e");
  });

  it("can name an end of life and release notes that beat the ledger's", () => {
    const all = variants({
      "configs/version/3.19.yaml": "{ endOfLife: 2030-01-01, releaseNotes: https://layer }",
    });
    assert.equal(pick(all, "aws").endOfLife, "2030-01-01");
    assert.equal(pick(all, "aws").releaseNotes, "https://layer");
  });

  it("say how AWS's images are imported, layer by layer, and with defaults for the rest", () => {
    const all = variants({
      "configs/defaults.yaml": `${least["configs/defaults.yaml"]}\naws: { volumeType: gp2 }`,
      "configs/firmware/uefi.yaml": "{ title: UEFI, aws: { tpmSupport: true } }",
    });
    const defaults = { enaSupport: true, imdsSupport: "v2.0", tpmSupport: false, shareSnapshots: false };
    assert.deepEqual(awsOf(pick(all, "aws", "uefi")), { ...defaults, volumeType: "gp2", tpmSupport: true });
    assert.deepEqual(awsOf(pick(all, "aws", "bios")), { ...defaults, volumeType: "gp2" });
    assert.equal(awsOf(pick(all, "azure")), undefined);
  });
});
