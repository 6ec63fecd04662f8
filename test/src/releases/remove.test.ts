import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { finishRemove, protectedNames, prune, remove } from "../../../src/releases/remove.ts";
import { retire } from "../../../src/releases/stage.ts";
import { parseState } from "../../../src/stacks/state.ts";
import { ledger, start } from "./fixture.ts";
import { rejectsWith } from "../../helpers/errors.ts";

describe("releases remove", () => {
  const state = (...keys: string[]) =>
    JSON.stringify({
      deployment: {
        resources: keys.map((key) => ({
          urn: `urn:pulumi:dev::alpine::alpine:index:ImageVariant::${key}`,
          type: "alpine:index:ImageVariant",
          protect: true,
        })),
      },
    });

  it("is two steps: a mark, and the drop once no state protects the images", async () => {
    const { options, declared } = start();
    const file = join(options.root, "state.json");
    await remove("3.19.1", { ...options, only: ["aws", "bios"] });
    assert.equal(declared().length, 16);
    assert.equal(declared().filter((one) => one.state.removing).length, 4);

    writeFileSync(file, state("3.19.1-x86_64-bios-tiny-aws-r0-disk"));
    await rejectsWith(finishRemove(["3.19.1"], { ...options, state: [file] }), {
      code: "entry-protected",
      where: "releases 3.19.1-x86_64-bios-tiny-aws-r0",
    });
    assert.equal(declared().length, 16);

    writeFileSync(file, state("3.19.1-x86_64-bios-tiny-azure-r0", "3.19.1-x86_64-bios-tiny-aws-r01"));
    await finishRemove([], { ...options, state: [file] });
    assert.equal(declared().length, 12);
    assert.equal(declared().filter((one) => one.state.removing).length, 0);
  });

  it("drops an entry with its last image, and keeps what the others are", async () => {
    const { options, read, declared } = start();
    const file = join(options.root, "state.json");
    writeFileSync(file, state());
    await retire("3.19.1", { ...options, on: "2027-01-01", only: ["azure"] });
    await remove("3.19.1", { ...options, only: ["aws"] });
    await finishRemove(["3.19.1"], { ...options, state: [file] });
    assert.match(read(), /retired: 2027-01-01$/m);
    await remove("3.19.1", options);
    await finishRemove(["3.19.1"], { ...options, state: [file] });
    assert.equal(declared().length, 0);
    assert.match(read(), /"3\.19":\n {4}endOfLife: 2027-05-01\n {4}entries:/);
  });

  it("refuses to finish without a mark, and without a state to ask", async () => {
    const { options } = start();
    await rejectsWith(finishRemove(["3.19.1"], { ...options, state: ["x"] }), {
      code: "entry-unmarked",
      where: "releases 3.19.1-r0",
    });
    await remove("3.19.1", options);
    await rejectsWith(finishRemove([], options), { code: "usage", where: "releases --finish" });
  });

  it("takes no other file for a state: what proves nothing drops nothing", async () => {
    const { options, read } = start();
    await remove("3.19.1", options);
    const marked = read();
    const file = join(options.root, "state.json");
    for (const text of ["{}", "junk", '{ "deployment": { "resources": [{ "protect": true }] } }']) {
      writeFileSync(file, text);
      await rejectsWith(finishRemove([], { ...options, state: [file] }), {
        code: "stack-export-invalid",
        where: `releases ${file}`,
      });
    }
    await rejectsWith(finishRemove([], { ...options, state: ["nowhere.json"] }), {
      code: "file-unreadable",
      where: "nowhere.json",
    });
    assert.equal(read(), marked);
  });

  it("finishes some of the marked images, and leaves the others marked", async () => {
    const { options, declared } = start();
    const file = join(options.root, "state.json");
    writeFileSync(file, state());
    await remove("3.19.1", { ...options, only: ["aws"] });
    await finishRemove(["3.19.1"], { ...options, only: ["bios"], state: [file] });
    assert.equal(declared().length, 12);
    assert.equal(declared().filter(({ state }) => state.removing).length, 4);
  });

  it("reads protected names from an exported state", () => {
    assert.deepEqual(protectedNames(parseState(state("a", "b"), "dev")), ["a", "b"]);
    const empty = JSON.stringify({ version: 3, deployment: { manifest: {} } });
    assert.deepEqual(protectedNames(parseState(empty, "dev")), []);
  });
});

describe("releases prune", () => {
  const more = `
      - { release: 3.19.2_rc1, date: 2026-06-01, revision: 0, stage: import, added: 2026-06-01,
          images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: [aws, azure] }] }
      - { release: 3.19.2, date: 2026-07-01, revision: 0, stage: release, added: 2026-07-01,
          images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: [aws, azure] }] }
  edge:
    entries:
      - { release: 20261101, date: 2026-11-01, revision: 0, stage: import, added: 2026-11-01, endOfLife: 2026-11-02,
          images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: aws }] }
`;

  it("proposes by rule, and writes nothing", async () => {
    const { options, read } = start({}, ledger.trimEnd() + more);
    const before = read();
    const { text } = await prune(options);
    assert.match(text, /^3\.19\.2_rc1-r0: all 2 images: rc$/m);
    assert.match(text, /^20261101-r0: all 1 images: edge-eol$/m);
    assert.doesNotMatch(text, /^3\.19\.1-r0/m);
    assert.match(text, /nothing written/);
    assert.equal(read(), before);
    const late = await prune({ ...options, today: "2027-05-01" });
    assert.match(late.text, /^3\.19\.1-r0: 2 of 16 images: eol-not-latest$/m);
  });

  it("calls unused what was never launched anywhere, if there is live data", async () => {
    const { options } = start({}, ledger.trimEnd() + more);
    const live = join(options.root, "live.yaml");
    writeFileSync(
      live,
      "3.19.1-x86_64-bios-tiny-aws-r0: { us-east-1: Never, us-west-2: Never }\n3.19.1-x86_64-bios-tiny-azure-r0: 2026-08-01\n",
    );
    const { text } = await prune({ ...options, live });
    assert.match(text, /^3\.19\.1-r0: 1 of 16 images: unused-not-latest$/m);
  });

  it("refuses live data that is none, and warns of one that names no image", async () => {
    const { options } = start({}, ledger.trimEnd() + more);
    const live = join(options.root, "live.yaml");
    await rejectsWith(prune({ ...options, live }), { code: "file-missing", where: live });
    writeFileSync(live, "5");
    await rejectsWith(prune({ ...options, live }), { code: "value-invalid", where: `${live}:1:1` });
    writeFileSync(live, "a: [Never]");
    await rejectsWith(prune({ ...options, live }), { code: "value-invalid", where: `${live}:1:4 a` });
    writeFileSync(live, "ami-0abc: Never\n3.19.1-x86_64-bios-tiny-azure: Never");
    const { text, warnings } = await prune({ ...options, live });
    assert.doesNotMatch(text, /unused/);
    assert.match(warnings.join(), /names none of the ledger's images/);
  });

  it("counts as used what is in no region that the data knows of", async () => {
    const { options } = start({}, ledger.trimEnd() + more);
    const live = join(options.root, "live.yaml");
    writeFileSync(live, "3.19.1-x86_64-bios-tiny-aws-r0: {}");
    assert.doesNotMatch((await prune({ ...options, live })).text, /unused/);
  });

  it("keeps what only something less far, or about to be deleted, would take the place of", async () => {
    const { options } = start({}, ledger.trimEnd() + more);
    const late = { ...options, today: "2027-05-01", rule: ["eol-not-latest"] };
    assert.match((await prune(late)).text, /^3\.19\.1-r0: 2 of 16 images/m);
    await remove("3.19.2", { ...options, only: ["aws"] });
    assert.match((await prune(late)).text, /^3\.19\.1-r0: 1 of 16 images/m);

    const less = more.replace("stage: release", "stage: import");
    const imported = start({}, ledger.trimEnd() + less).options;
    assert.doesNotMatch((await prune({ ...late, root: imported.root })).text, /^3\.19\.1-r0/m);
  });

  it("marks with --write, as remove does", async () => {
    const { options, declared } = start({}, ledger.trimEnd() + more);
    await prune({ ...options, rule: ["rc"], write: true });
    const marked = declared().filter(({ state }) => state.removing);
    assert.deepEqual([...new Set(marked.map(({ variant }) => variant.release))], ["3.19.2_rc1"]);
    assert.doesNotMatch((await prune(options)).text, /rc$/m);
    await rejectsWith(prune({ ...options, rule: ["eol"] }), {
      code: "usage",
      where: "releases --rule",
      text: /"eol"/,
    });
  });
});
