import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { projectRoot } from "../../../src/lib/workspace.ts";
import { revise, update } from "../../../src/releases/add.ts";
import type { ErrorCode } from "../../../src/lib/error-codes.ts";
import { rejectsWith } from "../../helpers/errors.ts";
import { runProgram } from "../../helpers/processes.ts";
import { gzipMembers, testIndex, testPackage, throwawayKey } from "../../helpers/repository.ts";
import { indexFile, ledger, mirrorKey, serve, start, today, upstream } from "./fixture.ts";

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
    assert.match(warned.warnings.join("\n"), /3\.20: not released, and no release candidate: .*APKINDEX/);
    await serve(options.root, "3.20", "3.20.0_rc1");
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
    assert.match(text, /^3\.19: end of life is now 2027-06-01, was 2027-05-01$/m);
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
    assert.deepEqual(warnings, ["3.19: the newest release, 3.19.0, is older than the ledger's 3.19.1"]);
    assert.equal(read(), ledger);
  });

  it("adds no alpha of a version that is yet to come, and all else all the same", async () => {
    const { options, declared } = start({ "configs/version/3.20.yaml": "" });
    await serve(options.root, "3.20", "3.20.0_alpha20261101");
    const { text, warnings } = await update([], options);
    assert.match(text, /added 3\.19\.2 r0/);
    assert.deepEqual(warnings, [
      "3.20: not released, and 3.20.0_alpha20261101 on the mirror is not a release candidate",
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
    await serve(options.root, "3.19", "3.19.1");
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
    await serve(options.root, "3.19", "3.19.1");
    await revise("3.19.1", { ...rest, stack: "mine" });
    assert.equal(declared().length, 32);
  });

  it("refuses a release that the mirror no longer serves", async () => {
    const { options, read } = start();
    await serve(options.root, "3.19", "3.19.2");
    await rejectsWith(revise("3.19.1", options), {
      code: "release-not-served",
      where: "releases 3.19.1",
      text: /3\.19\.2/,
    });
    assert.equal(read(), ledger);
  });

  it("asks for the architectures of its images, and for no other", async () => {
    const { options, declared } = start();
    await serve(options.root, "3.19", "3.19.1", { architectures: ["x86_64"] });
    await rejectsWith(revise("3.19.1", options), {
      code: "mirror-unreachable",
      where: /aarch64\/APKINDEX/,
    });
    await revise("3.19.1", { ...options, only: ["x86_64"] });
    assert.equal(declared().length, 24);
  });

  it("refuses a mirror that serves another release for each architecture, and says which", async () => {
    const { options, read } = start();
    await serve(options.root, "3.19", "3.19.1", { architectures: ["x86_64"] });
    await serve(options.root, "3.19", "3.19.2", { architectures: ["aarch64"] });
    await rejectsWith(revise("3.19.1", options), {
      code: "release-not-served",
      where: "releases 3.19",
      text: /serves 3\.19\.2 for aarch64, 3\.19\.1 for x86_64/,
    });
    assert.equal(read(), ledger);
  });
});

describe("a mirror's index", () => {
  const release = "3.19.1";
  /** What is there in place of the index of one architecture. */
  const forgeries: Record<string, { code: ErrorCode; forge: (index: Buffer) => Promise<Buffer> | Buffer }> = {
    "is not signed": {
      code: "index-unsigned",
      forge: (index) => Buffer.concat(gzipMembers(index).slice(1)),
    },
    "was changed after it was signed": {
      code: "signature-invalid",
      forge: async (index) => {
        const newer = await testPackage({ name: "alpine-base", version: "3.19.2-r0" }, mirrorKey);
        const [signature] = gzipMembers(index);
        const [, ...forged] = gzipMembers(await testIndex([newer], mirrorKey));
        return Buffer.concat([signature!, ...forged]);
      },
    },
    "is signed by nobody whom the project trusts": {
      code: "signing-key-unknown",
      forge: async () => {
        const key = throwawayKey("stranger.rsa.pub");
        return testIndex([await testPackage({ name: "alpine-base", version: "3.19.1-r0" }, key)], key);
      },
    },
    "is signed by a stranger under a trusted name": {
      code: "signature-invalid",
      forge: async () => {
        const key = throwawayKey(mirrorKey.name);
        return testIndex([await testPackage({ name: "alpine-base", version: "3.19.1-r0" }, key)], key);
      },
    },
  };
  for (const [what, { code, forge }] of Object.entries(forgeries)) {
    it(`is refused by revise where it ${what}`, async () => {
      const { options, read } = start();
      await serve(options.root, "3.19", release);
      const file = indexFile(options.root, "3.19", "aarch64");
      writeFileSync(file, await forge(readFileSync(file)));
      await rejectsWith(revise(release, options), { code, where: /aarch64\/APKINDEX/ });
      assert.equal(read(), ledger);
    });

    it(`is refused by update where it ${what}`, async () => {
      const { options, read } = start({ "configs/version/3.20.yaml": "" });
      await serve(options.root, "3.20", "3.20.0_rc1");
      const file = indexFile(options.root, "3.20", "aarch64");
      writeFileSync(file, await forge(readFileSync(file)));
      await rejectsWith(update([], options), { code, where: /aarch64\/APKINDEX/ });
      assert.equal(read(), ledger);
    });
  }

  it("of another release than the other architecture's is refused by update", async () => {
    const { options, read } = start({ "configs/version/3.20.yaml": "" });
    await serve(options.root, "3.20", "3.20.0_rc1", { architectures: ["x86_64"] });
    await serve(options.root, "3.20", "3.20.0_rc2", { architectures: ["aarch64"] });
    await rejectsWith(update([], options), {
      code: "release-not-served",
      where: "releases 3.20",
      text: /serves 3\.20\.0_rc2 for aarch64, 3\.20\.0_rc1 for x86_64/,
    });
    assert.equal(read(), ledger);
  });

  it("that cannot be had ends the command with what to do, and no stack", async () => {
    const { options } = start();
    const words = ["revise", "3.19.1", "--root", options.root, "--mirror", options.mirror];
    const { code, stdout, stderr } = await runProgram(process.execPath, [
      join(projectRoot, "scripts/releases.ts"),
      ...words,
    ]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: cannot read file:.*APKINDEX.*\n {2}→ check the stack's mirror\.url\n$/);
  });

  it("may be signed by a key that the stack trusts, which lies in the project", async () => {
    const { options, declared } = start();
    const key = throwawayKey("own.rsa.pub");
    writeFileSync(join(options.root, "own.rsa.pub"), key.publicPem);
    writeFileSync(
      join(options.root, "Pulumi.mine.yaml"),
      "config: { alpine:mirror: { keys: [own.rsa.pub] } }",
    );
    await serve(options.root, "3.19", release, { key });
    await rejectsWith(revise(release, options), {
      code: "signing-key-unknown",
      where: /APKINDEX/,
      text: /own\.rsa\.pub/,
    });
    await revise(release, { ...options, stack: "mine" });
    assert.equal(declared().length, 32);
  });
});
