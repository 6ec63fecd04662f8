import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { projectRoot } from "../../../src/lib/workspace.ts";
import { revise, update } from "../../../src/releases/add.ts";
import { servedRelease } from "../../../src/releases/upstream.ts";
import { ledger, serve, start, today, upstream } from "./fixture.ts";
import { rejectsWith } from "../../helpers/errors.ts";

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
    await rejectsWith(update([], options), {
      code: "upstream-invalid",
      where: `${options.from} release_branches`,
    });
    await rejectsWith(update([], { ...options, from: "/nowhere" }), {
      code: "file-unreadable",
      where: "/nowhere",
    });
    await rejectsWith(update(["3.91"], start().options), {
      code: "unknown-version",
      where: "releases 3.91",
      text: /did you mean "3\.1[89]"/,
    });
    assert.equal(read(), ledger);
  });
});

describe("releases update, of what can't be taken as it is", () => {
  const branches = (...releases: { version: string; date: string }[]) => ({
    "releases.json": JSON.stringify({
      release_branches: [{ rel_branch: "v3.19", eol_date: "2027-05-01", releases }],
    }),
  });

  it("of two releases of one day takes the higher, by number", async () => {
    const day = "2026-11-01";
    const { options } = start(
      branches(
        { version: "3.19.10", date: day },
        { version: "3.19.9", date: day },
        { version: "3.19.11_rc1", date: "2026-01-01" },
      ),
    );
    assert.match((await update(["3.19"], options)).text, /added 3\.19\.10 r0/);
  });

  it("adds nothing older than what the ledger has, and says so", async () => {
    const { options, read } = start(branches({ version: "3.19.0", date: "2023-12-07" }));
    const { text, warnings } = await update(["3.19"], options);
    assert.match(text, /nothing to do$/);
    assert.deepEqual(warnings, ["3.19: 3.19.0 is the newest there, but older than the ledger's 3.19.1"]);
    assert.equal(read(), ledger);
  });

  it("adds no alpha of a version that is yet to come, and all else all the same", async () => {
    const { options, declared } = start({ "configs/version/3.20.yaml": "" });
    serve(options.root, "3.20", "3.20.0_alpha20261101");
    const { text, warnings } = await update([], options);
    assert.match(text, /added 3\.19\.2 r0/);
    assert.deepEqual(warnings, [
      "3.20: not released, and 3.20.0_alpha20261101 on the mirror is no candidate",
    ]);
    assert.ok(declared().every(({ variant }) => variant.version !== "3.20"));
  });

  it("refuses a day that is none, and an end of life that is none, with its place", async () => {
    const { options, read } = start({
      "releases.json": JSON.stringify(upstream).replace('"2027-05-01"', '"soon"'),
    });
    await rejectsWith(update([], { ...options, today: "yesterday" }), {
      code: "usage",
      where: "releases --today",
    });
    await rejectsWith(update([], options), {
      code: "value-invalid",
      where: 'configs/releases.yaml:9:16 versions."3.19".endOfLife',
    });
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

  it("asks the stack's mirror, which may be a folder below the project", async () => {
    const { options, declared } = start();
    const { mirror, ...rest } = options;
    const url = `file://${relative(projectRoot, mirror)}`;
    writeFileSync(join(rest.root, "Pulumi.mine.yaml"), `config: { alpine:mirror: { url: "${url}" } }`);
    serve(options.root, "3.19", "3.19.1");
    await revise("3.19.1", { ...rest, stack: "mine" });
    assert.equal(declared().length, 32);
  });

  it("refuses a release that the mirror no longer serves", async () => {
    const { options, read } = start();
    serve(options.root, "3.19", "3.19.2");
    await rejectsWith(revise("3.19.1", options), {
      code: "release-not-served",
      where: "releases 3.19.1",
      text: /3\.19\.2/,
    });
    assert.equal(read(), ledger);
  });

  it("reads the served release from an index of several gzip members", async () => {
    const { options } = start();
    serve(options.root, "3.19", "3.19.0_rc2");
    assert.equal(await servedRelease(options.mirror, "3.19"), "3.19.0_rc2");
  });
});
