import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadDeclared } from "../../configs/index.ts";
import { ConfigError } from "../../configs/source.ts";
import { revise, update } from "../../scripts/releases/grow.ts";
import { finishRemove, protectedNames, prune, remove } from "../../scripts/releases/shrink.ts";
import { list, promote, retire, withdraw } from "../../scripts/releases/states.ts";
import { servedRelease } from "../../scripts/releases/upstream.ts";
import { project } from "../configs/project.ts";

const today = "2026-11-23";
const file = "configs/releases.yaml";
const ledger = `# Ours.
versions:
  "3.18":
    endOfLife: 2025-05-09 # long ago
    entries: []

  # the current one
  "3.19":
    endOfLife: 2027-05-01
    entries:
      - release: 3.19.1
        date: 2026-05-01
        revision: 0
        stage: release
        added: 2026-06-01
        # all of them
        images:
          - arch: [x86_64, aarch64]
            firmware: [bios, uefi]
            bootstrap: [tiny, cloudinit]
            cloud: [aws, azure]
`;
const upstream = {
  release_branches: [
    { rel_branch: "edge" },
    {
      rel_branch: "v3.19",
      eol_date: "2027-05-01",
      releases: [
        { version: "3.19.2", date: "2026-11-01", notes: "posts/Alpine-3.19.2-released.md" },
        { version: "3.19.1", date: "2026-05-01" },
      ],
    },
    { rel_branch: "v3.18", eol_date: "2025-05-09", releases: [{ version: "3.18.9", date: "2024-09-06" }] },
  ],
};

function start(files: Record<string, string> = {}, text = ledger) {
  const root = project({
    "configs/version/edge.yaml": "",
    [file]: text,
    "releases.json": JSON.stringify(upstream),
    ...files,
  });
  const options = { root, today, from: join(root, "releases.json"), mirror: join(root, "mirror") };
  return {
    options,
    read: () => readFileSync(join(root, file), "utf8"),
    declared: () => loadDeclared({ root }),
  };
}

/** A mirror that serves this release of a version. */
function serve(root: string, version: string, release: string): void {
  const dir = join(root, `mirror/v${version}/main/x86_64`);
  mkdirSync(dir, { recursive: true });
  const index = `C:Q1x=\nP:aaa\nV:9-r0\n\nC:Q1y=\nP:alpine-base\nV:${release}-r0\nA:x86_64\n\nP:b\nV:1-r0\n\n`;
  const half = index.length >> 1;
  // as signed indexes are: gzip members one after the other
  writeFileSync(
    join(dir, "APKINDEX.tar.gz"),
    Buffer.concat([gzipSync(index.slice(0, half)), gzipSync(index.slice(half))]),
  );
}

const refuses = async (task: Promise<unknown>, pattern: RegExp) =>
  assert.rejects(
    task,
    (error) => error instanceof ConfigError && (assert.match(error.message, pattern), true),
  );

describe("releases update", () => {
  it("adds the newest release of what is not past its end of life, and edge's day; comments and order stay", async () => {
    const { options, read, declared } = start();
    const before = declared().length;
    const { text } = await update([], options);
    assert.match(text, /^3\.19: added 3\.19\.2 r0 with 16 images, to stage import$/m);
    assert.match(text, /^edge: added 20261123 r0 with 16 images, to stage import$/m);
    assert.doesNotMatch(text, /3\.18/);
    const after = read();
    for (const comment of ["# Ours.", "# long ago", "# the current one", "# all of them"])
      assert.ok(after.includes(comment), comment);
    assert.ok(after.startsWith(ledger.trimEnd()), "what was there is as it was");
    const added = declared().slice(before);
    assert.equal(added.length, 32);
    assert.deepEqual(
      [...new Set(added.map(({ variant }) => variant.endOfLife))],
      ["2027-05-01", "2026-11-24"],
    );
    assert.equal(added[0]!.variant.releaseNotes, "https://alpinelinux.org/posts/Alpine-3.19.2-released.html");
    assert.equal(added[0]!.variant.releaseDate, "2026-11-01");
    assert.equal(added[0]!.state.added, today);
    assert.equal(added[0]!.state.stage, "import");
  });

  it("does nothing the second time, and writes nothing with --dry-run", async () => {
    const { options, read } = start();
    const { text } = await update([], { ...options, dryRun: true });
    assert.match(text, /not written \(--dry-run\)$/);
    assert.equal(read(), ledger);
    await update([], options);
    const once = read();
    assert.match((await update([], options)).text, /nothing to do$/);
    assert.equal(read(), once);
  });

  it("leaves out what the configuration excludes, and adds only versions that are asked for", async () => {
    const { options, declared } = start(
      { "configs/arch/aarch64.yaml": "{ title: aarch64, exclude: [{ firmware: bios }] }" },
      ledger.replace("[bios, uefi]", "uefi"),
    );
    await update(["3.19"], { ...options, at: "local" });
    const added = declared().filter(({ variant }) => variant.release === "3.19.2");
    assert.equal(added.length, 12);
    assert.equal(declared().length, 8 + 12);
    assert.ok(added.every(({ state }) => state.stage === "local"));
  });

  it("adds a release candidate of a version that is yet to come, for a day", async () => {
    const { options, declared } = start({ "configs/version/3.20.yaml": "" });
    const warned = await update(["3.20"], options);
    assert.match(warned.warnings.join("\n"), /3\.20: not released, and no candidate: .*APKINDEX/);
    serve(options.root, "3.20", "3.20.0_rc1");
    await update(["3.20"], options);
    const [first] = declared().filter(({ variant }) => variant.version === "3.20");
    assert.equal(first!.variant.release, "3.20.0_rc1");
    assert.equal(first!.variant.endOfLife, "2026-11-24");
    assert.ok(declared().length === 32);
  });

  it("tells of versions that have no layer yet, and follows a changed end of life", async () => {
    const newer = structuredClone(upstream) as { release_branches: object[] };
    newer.release_branches.push({
      rel_branch: "v3.21",
      eol_date: "2028-05-01",
      releases: [{ version: "3.21.0", date: today }],
    });
    const { options, read } = start({
      "releases.json": JSON.stringify(newer).replace('"2027-05-01"', '"2027-06-01"'),
    });
    const { text, warnings } = await update([], options);
    assert.deepEqual(warnings, ["3.21 is new: to build it, add configs/version/3.21.yaml"]);
    assert.match(text, /^3\.19: end of life is 2027-06-01, no longer 2027-05-01$/m);
    assert.match(read(), /endOfLife: 2027-06-01/);
  });

  it("refuses what isn't releases.json, and a version that isn't there", async () => {
    const { options, read } = start({ "releases.json": "{}" });
    await refuses(update([], options), /releases\.json: release_branches: not Alpine's releases\.json/);
    await refuses(update([], { ...options, from: "/nowhere" }), /\/nowhere: can't be read: ENOENT/);
    await refuses(update(["3.91"], start().options), /3\.91: unknown version; did you mean "3\.1[89]"/);
    assert.equal(read(), ledger);
  });
});

describe("releases revise", () => {
  it("appends the next revision, with the images of today's configuration", async () => {
    const { options, declared } = start({ "configs/cloud/gcp.yaml": "title: GCP" });
    serve(options.root, "3.19", "3.19.1");
    await revise("3.19", options);
    await revise("3.19.1", { ...options, only: ["aws"] });
    const count = (revision: number) =>
      declared().filter(({ variant }) => variant.revision === revision).length;
    assert.deepEqual([0, 1, 2].map(count), [16, 24, 8]);
  });

  it("refuses a release that the mirror no longer serves", async () => {
    const { options, read } = start();
    serve(options.root, "3.19", "3.19.2");
    await refuses(
      revise("3.19.1", options),
      /the mirror now serves 3\.19\.2 of 3\.19, so 3\.19\.1 can't be built again/,
    );
    assert.equal(read(), ledger);
  });

  it("reads the served release from an index of several gzip members", async () => {
    const { options } = start();
    serve(options.root, "3.19", "3.19.0_rc2");
    assert.equal(await servedRelease(options.mirror, "3.19"), "3.19.0_rc2");
  });
});

describe("releases promote and withdraw", () => {
  it("raise the stage, and lower it only after the mark", async () => {
    const { options, read } = start({}, ledger.replace("stage: release", "stage: sign"));
    await promote("3.19", options);
    assert.match(read(), /stage: publish/);
    await promote("3.19.1-r0", { ...options, to: "release" });
    assert.match(read(), /stage: release/);
    await refuses(
      promote("3.19.1", { ...options, to: "local" }),
      /to go down, use `withdraw 3\.19\.1-r0 --to local`/,
    );
    await refuses(
      withdraw("3.19.1", { ...options, to: "import" }),
      /protected: first `withdraw 3\.19\.1-r0` and `up`/,
    );
    await withdraw("3.19.1", { ...options, only: ["aws"] });
    await refuses(withdraw("3.19.1", { ...options, to: "import" }), /protected/);
    await withdraw("3.19.1", { ...options, only: ["azure"] });
    assert.match(read(), /withdraw: true/);
    await withdraw("3.19.1", { ...options, to: "import" });
    assert.match(read(), /stage: import/);
    await promote("3.19.1", { ...options, to: "publish" });
    assert.doesNotMatch(read(), /withdraw/);
  });

  it("name the nearest entry for one that isn't there", async () => {
    await refuses(
      promote("3.19.2", start().options),
      /there is no entry "3\.19\.2"; did you mean "3\.19\.1"/,
    );
  });
});

describe("releases retire", () => {
  it("deprecates an entry, or single images, each from its day on", async () => {
    const { options, read, declared } = start();
    await retire("3.19.1", { ...options, on: "2027-01-01" });
    assert.match(read(), /retired: 2027-01-01$/m);
    await retire("3.19.1", { ...options, on: "2027-02-01", only: ["aws", "uefi"] });
    await retire("3.19.1", { ...options, undo: true, only: ["azure", "tiny"] });
    const days = (...words: string[]) => [
      ...new Set(
        declared()
          .filter(({ variant }) => words.every((word) => Object.values(variant.dimensions).includes(word)))
          .map(({ state }) => state.retired),
      ),
    ];
    assert.deepEqual(days("aws", "uefi"), ["2027-02-01"]);
    assert.deepEqual(days("aws", "bios"), ["2027-01-01"]);
    assert.deepEqual(days("azure", "tiny"), [undefined]);
    assert.deepEqual(days("azure", "cloudinit"), ["2027-01-01"]);
    await retire("3.19.1", { ...options, undo: true });
    assert.equal(read(), ledger);
  });

  it("refuses days that clouds refuse", async () => {
    const { options } = start();
    await refuses(retire("3.19.1", { ...options, on: today }), /not in the future/);
    await refuses(
      retire("3.19.1", { ...options, on: "2028-06-02" }),
      /more than 2 years after .*AWS allows 2028-06-01 at most/,
    );
    await retire("3.19.1", { ...options, on: "2028-06-02", skip: ["aws"] });
    await refuses(retire("3.19.1", { ...options, on: "soon" }), /expected a date/);
  });
});

describe("releases remove", () => {
  const state = (...keys: string[]) =>
    JSON.stringify({
      deployment: {
        resources: keys.map((key) => ({
          urn: `urn:pulumi:dev::alpine::alpine:index:ImageVariant::${key}`,
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
    await refuses(
      finishRemove(["3.19.1"], { ...options, state: [file] }),
      /3\.19\.1-x86_64-bios-tiny-aws-r0: is still protected/,
    );
    assert.equal(declared().length, 16);

    writeFileSync(file, state("3.19.1-x86_64-bios-tiny-azure-r0", "3.19.1-x86_64-bios-tiny-aws-r01"));
    await finishRemove([], { ...options, state: [file] });
    assert.equal(declared().length, 12);
    assert.equal(declared().filter((one) => one.state.removing).length, 0);
  });

  it("drops an entry with its last image, and keeps what the others are", async () => {
    const { options, read, declared } = start();
    const file = join(options.root, "state.json");
    writeFileSync(file, "{}");
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
    await refuses(
      finishRemove(["3.19.1"], { ...options, state: ["x"] }),
      /is not marked: first `remove` and `up`/,
    );
    await remove("3.19.1", options);
    await refuses(finishRemove([], options), /name the stacks/);
  });

  it("reads protected names from an exported state", () => {
    assert.deepEqual(protectedNames(state("a", "b")), ["a", "b"]);
    assert.deepEqual(protectedNames("{}"), []);
  });
});

describe("releases prune", () => {
  const more = `
      - { release: 3.19.2_rc1, date: 2026-06-01, revision: 0, stage: import, added: 2026-06-01,
          images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: [aws, azure] }] }
      - { release: 3.19.2, date: 2026-07-01, revision: 0, stage: import, added: 2026-07-01,
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

  it("marks with --write, as remove does", async () => {
    const { options, declared } = start({}, ledger.trimEnd() + more);
    await prune({ ...options, rule: ["rc"], write: true });
    const marked = declared().filter(({ state }) => state.removing);
    assert.deepEqual([...new Set(marked.map(({ variant }) => variant.release))], ["3.19.2_rc1"]);
    assert.doesNotMatch((await prune(options)).text, /rc$/m);
    await refuses(prune({ ...options, rule: ["eol"] }), /unknown rule "eol"/);
  });
});

describe("releases list", () => {
  it("shows every entry with its state", async () => {
    const { options } = start();
    await remove("3.19.1", { ...options, only: ["aws"] });
    const { text } = list(options);
    assert.match(text, /^3\.19\.1-r0 +release +2026-05-01 +2026-06-01 +2027-05-01 +16 +8 removing$/m);
  });
});
