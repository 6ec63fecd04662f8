import assert from "node:assert/strict";
import { least, project } from "./project.ts";
import { loadDeclared } from "../../helpers/configuration.ts";

const ledger = least["configs/releases.yaml"]!;
const declared = (change: (text: string) => string) =>
  loadDeclared({ root: project({ "configs/releases.yaml": change(ledger) }) });

describe("the ledger", () => {
  it("declares exactly its images, under a name with the revision", () => {
    const all = declared((text) => text.replace("revision: 0", "revision: 2"));
    assert.equal(all.length, 16);
    assert.equal(new Set(all.map(({ key }) => key)).size, 16);
    assert.equal(all[0]!.key, "3.19.1-x86_64-bios-tiny-aws-r2");
    assert.equal(all[0]!.variant.revision, 2);
    assert.match(all[0]!.variant.name, /-r2$/);
  });

  it("keeps revisions and releases side by side", () => {
    const next = (release: string, revision: number) => `
      - { release: ${release}, date: 2024-01-26, revision: ${revision}, stage: import, added: 2024-03-01,
          images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: aws }] }`;
    const all = declared((text) => `${text}${next("3.19.1", 1)}${next("3.19.2", 0)}${next("3.19.0_rc1", 0)}`);
    const keys = all.filter(({ state }) => state.stage === "import").map(({ key }) => key);
    assert.deepEqual(keys, [
      "3.19.1-x86_64-bios-tiny-aws-r1",
      "3.19.2-x86_64-bios-tiny-aws-r0",
      "3.19.0_rc1-x86_64-bios-tiny-aws-r0",
    ]);
  });

  it("knows the state of each image, for a whole entry or for some of its images", () => {
    const [whole] = declared(
      (text) => `${text}        retired: 2025-06-01\n        withdraw: true\n        removing: true\n`,
    );
    const { place, ...state } = whole!.state;
    assert.match(place, /^configs\/releases\.yaml:6:9$/);
    assert.deepEqual(state, {
      stage: "local",
      added: "2024-02-01",
      retired: "2025-06-01",
      withdraw: true,
      removing: true,
    });

    const some = declared(
      (text) => `${text}        retired: [{ on: 2025-06-01, images: [{ cloud: aws, arch: aarch64 }] }]
        removing: [{ cloud: azure, firmware: [bios] }, { bootstrap: cloudinit, cloud: azure }]\n`,
    );
    const of = (...words: string[]) =>
      some.filter(({ variant }) => words.every((word) => Object.values(variant.dimensions).includes(word)));
    assert.equal(
      some.filter((one) => one.state.retired === "2025-06-01").length,
      of("aws", "aarch64").length,
    );
    assert.ok(of("aws", "aarch64").every((one) => one.state.retired && !one.state.removing));
    assert.equal(some.filter((one) => one.state.removing).length, 4 + 4 - 2);
    assert.ok(of("azure", "uefi", "tiny").every((one) => !one.state.removing));
  });

  it("is one for several stacks: a stack says which versions are its own", () => {
    const text = `${ledger}  "3.18":\n    endOfLife: 2025-05-09\n    entries: []\n`;
    const root = project({ "configs/releases.yaml": text });
    assert.equal(loadDeclared({ root, versions: ["3.18"] }).length, 0);
    assert.equal(loadDeclared({ root, versions: ["3.19", "3.18"] }).length, 16);
  });

  it("is an overlay's own where it has one, and the last overlay's of several", () => {
    const some = (arch: string) => ledger.replace("[x86_64, aarch64]", arch);
    const files = { "configs/overlays/a/releases.yaml": some("x86_64"), "mine/b/defaults.yaml": "login: b" };
    const root = project(files);
    assert.equal(loadDeclared({ root, overlays: ["a", "mine/b"] }).length, 8);
    assert.equal(loadDeclared({ root, overlays: ["mine/b"] }).length, 16);
    assert.equal(loadDeclared({ root, overlays: ["a"], ledgerFile: "configs/releases.yaml" }).length, 16);
  });

  it("isn't changed by another machine in an overlay's dimension", () => {
    const own = {
      "configs/overlays/m/releases.yaml": ledger.replace(
        "[aws, azure]",
        "[aws, azure]\n            machine: vm",
      ),
    };
    const files = {
      ...own,
      "configs/overlays/m/dimensions.yaml": "[machine]",
      "configs/overlays/m/machine/vm.yaml": "",
    };
    const metal = {
      ...files,
      "configs/overlays/m/machine/metal.yaml": "name: [metal]",
      "configs/cloud/gcp.yaml": "title: GCP",
    };
    const before = loadDeclared({ root: project(files), overlays: ["m"] });
    assert.equal(before.length, 16);
    assert.deepEqual(loadDeclared({ root: project(metal), overlays: ["m"] }), before);
  });

  it("and overlays can be anywhere", () => {
    const elsewhere = project(
      { "ledger.yaml": ledger.replace("[aws, azure]", "aws"), "mine/defaults.yaml": "login: me" },
      {},
    );
    const all = loadDeclared({
      root: project(),
      ledgerFile: `${elsewhere}/ledger.yaml`,
      overlays: [`${elsewhere}/mine`],
    });
    assert.equal(all.length, 8);
    assert.equal(all[0]!.variant.login, "me");
  });
});
