import { clouds } from "../../../clouds/registry.ts";
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { make, type Backend } from "../../../src/fleet/make.ts";
import { fleetOf } from "../../../src/fleet/members.ts";
import { runAll } from "../../../src/fleet/run-all.ts";
import { least, project } from "../configuration/project.ts";
import { rejectsWith } from "../../helpers/errors.ts";

const file = "Pulumi.release.yaml";
const start = (config = "config:\n  alpine:stage: local\n"): string => project({ [file]: config });

/** A backend with these stacks, and what was asked of it. */
function backend(...stacks: string[]): Backend & { made: [string, string | undefined][] } {
  const made: [string, string | undefined][] = [];
  return {
    made,
    stackNames: () => Promise.resolve([...stacks, ...made.map(([stack]) => stack)]),
    initStack: (stack, provider) => {
      made.push([stack, provider]);
      return Promise.resolve();
    },
  };
}

const rows = async (root: string, some: Backend, options = {}) =>
  JSON.parse((await make("release", { root, clouds, json: true, ...options }, some)).text) as Record<
    string,
    string
  >[];

describe("npm run fleet -- make", () => {
  it("makes a stack and its settings for each version with a release, and then there is nothing to do", async () => {
    const root = start();
    const some = backend();
    const [first] = await rows(root, some);
    const { stack, version } = fleetOf(root, "release", clouds).members[0]!;
    assert.equal(stack, `release-${version}`);
    assert.deepEqual(first, {
      stack,
      version,
      file: `Pulumi.${stack}.yaml`,
      stackState: "made",
      settings: "made",
    });
    assert.deepEqual(some.made[0], [stack, undefined]);
    const text = readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8");
    for (const row of await rows(root, some))
      assert.equal(`${row["stackState"]} ${row["settings"]}`, "there unchanged");
    assert.equal(readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8"), text);
  });

  it("does nothing at a dry run", async () => {
    const root = start();
    const some = backend();
    const { text } = await make("release", { root, clouds, dryRun: true }, some);
    assert.match(
      text,
      /stack made +Pulumi\.release-3\.\d+\.yaml +settings made\n(.*\n)*nothing was done: --dry-run$/,
    );
    assert.deepEqual(some.made, []);
    assert.equal(existsSync(join(root, fleetOf(root, "release", clouds).members[0]!.file)), false);
  });

  it("refuses to overwrite what a person has changed, and does nothing then; --force does it", async () => {
    const root = start();
    await make("release", { root, clouds }, backend());
    const edited = join(root, fleetOf(root, "release", clouds).members[0]!.file);
    const before = readFileSync(edited, "utf8");
    writeFileSync(edited, before.replace("alpine:stage: local", "alpine:stage: upload"));
    const some = backend();
    await rejectsWith(make("release", { root, clouds }, some), {
      code: "stack-file-edited",
      where: undefined,
      text: /^Pulumi\.release-3\.19\.yaml: alpine:stage is "upload", .*"local"\nPulumi\.release\.yaml: .*--force/,
    });
    assert.deepEqual(some.made, []);
    assert.equal((await rows(root, some, { force: true }))[0]?.["settings"], "overwritten");
    assert.equal(readFileSync(edited, "utf8"), before);
  });

  it("has the template's secrets provider, and the versions that it names alone", async () => {
    const { version } = fleetOf(start(), "release", clouds).members[0]!;
    const root = start(`config: { "alpine:versions": ["${version}"] }\nsecretsprovider: awskms://alias/a\n`);
    const some = backend();
    await make("release", { root, clouds }, some);
    assert.deepEqual(some.made, [[`release-${version}`, "awskms://alias/a"]]);
  });

  it("tells of versions without a release, of stacks without a version, and of a stack that is the template's own", async () => {
    const root = project({
      [file]: "config: {}\n",
      "configs/releases.yaml": `${least["configs/releases.yaml"]}  "3.99":\n    entries: []\n`,
    });
    const { warnings } = await make(
      "release",
      { root, clouds, dryRun: true },
      backend("release", "release-3.9", "release-x"),
    );
    assert.match(warnings.join("\n"), /without a release: 3\.99/);
    assert.match(warnings.join("\n"), /stack release exists, too: it declares the same images as its fleet/);
    assert.match(warnings.join("\n"), /stack release-3\.9 exists, but the ledger has nothing for it/);
    assert.doesNotMatch(warnings.join("\n"), /release-x/);
  });

  it("takes no template that isn't there, or that names a version which the ledger doesn't have", async () => {
    const root = start('config: { "alpine:versions": ["3.18x"] }');
    await rejectsWith(make("release", { root, clouds }, backend()), {
      code: "unknown-version",
      where: "Pulumi.release.yaml alpine:versions",
      text: /3\.18x/,
    });
    await rejectsWith(make("other", { clouds, root: start() }, backend()), {
      code: "stack-file-missing",
      where: "Pulumi.other.yaml",
    });
  });
});

describe("npm run fleet -- run", () => {
  it("says what to do where the fleet is not made, and names every stack itself", async () => {
    const root = start();
    await rejectsWith(runAll("release", ["preview"], { root, clouds }), {
      code: "stack-file-missing",
      where: "Pulumi.release-3.19.yaml",
      text: /npm run fleet -- make release/,
    });
    await make("release", { root, clouds }, backend());
    for (const option of ["-s", "--stack", "--stack=dev"]) {
      await rejectsWith(runAll("release", ["preview", option], { root, clouds }), {
        code: "usage",
        where: option,
      });
    }
  });
});
