/** Builds in namespaces from the outside: other users, other settings, and builders that are killed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { processesWith, runProgram, waitUntil } from "../helpers/processes.ts";
import { DeclaredImage, skipWithoutMirror } from "./declared-image.ts";
import { giveTo, users } from "./escapes/users.ts";

/** What `npm run build -- --json` prints, as far as it is looked at here. */
interface Built {
  sha512: string;
  isolation: string;
}

describe("builds in namespaces", function () {
  this.timeout(600_000);
  let image: DeclaredImage;
  let sha512: string;
  before(async function () {
    skipWithoutMirror(this);
    image = new DeclaredImage();
    await image.begin();
  });
  after(() => image?.end());

  const arguments_ = (folder: string, ...flags: string[]): string[] => [
    "scripts/build.ts",
    ...`${image.key} --out ${folder} --stack ${image.stack} --no-boot --json --isolation namespace`.split(
      " ",
    ),
    ...flags,
  ];

  it("say where they are, and why", async () => {
    const { code, stdout, stderr } = await runProgram(process.execPath, arguments_("one"), {
      cwd: image.path(),
    });
    assert.equal(code, 0, stderr);
    const built = JSON.parse(stdout) as Built;
    assert.equal(built.isolation, "namespace");
    sha512 = built.sha512;
    assert.match(stderr, / building in namespaces: the stack's build\.isolation is namespace\n/);
  });

  it("leave nothing behind when the builder is killed with -9, at ten moments", async () => {
    const folder = image.path();
    const groups = controlGroups();
    for (let round = 0; round < 10; round += 1) {
      // Base and initramfs are made anew, so that every phase has its share of the time.
      const child = spawn(process.execPath, arguments_("killed", "--no-cache"), {
        cwd: folder,
        stdio: "ignore",
      });
      const ended = once(child, "exit");
      const milliseconds = 300 + Math.random() * 6_000;
      await Promise.race([sleep(milliseconds), ended]);
      child.kill("SIGKILL");
      await ended;
      const when = `killed after ${Math.round(milliseconds)} ms`;
      await waitUntil(`${when}: no process`, () => processesWith(folder).length === 0);
      await waitUntil(`${when}: no file`, () => image.files("work/tmp").length === 0);
      assert.equal(readFileSync("/proc/mounts", "utf8").includes(folder), false, `${when}: no mount`);
      assert.deepEqual(
        image.files("killed").filter((name) => !name.endsWith(".console.log")),
        [],
        `${when}: no half of an image`,
      );
    }
    assert.deepEqual(controlGroups(), groups, "no control group");
  });

  it("and the next one after that has the same bytes", async () => {
    const { code, stdout, stderr } = await runProgram(process.execPath, arguments_("two"), {
      cwd: image.path(),
    });
    assert.equal(code, 0, stderr);
    assert.equal((JSON.parse(stdout) as Built).sha512, sha512);
  });

  for (const user of users().filter(({ become }) => become.length > 0)) {
    it(`have the same bytes as ${user.name}, with nothing that others made`, async () => {
      const folder = image.path();
      rmSync(image.path("work"), { recursive: true });
      giveTo(user, folder);
      chmodSync(folder, 0o755);
      const [program, ...args] = [...user.become, process.execPath, ...arguments_("three")];
      const { code, stdout, stderr } = await runProgram(program!, args, { cwd: folder });
      assert.equal(code, 0, stderr);
      assert.equal((JSON.parse(stdout) as Built).sha512, sha512);
    });
  }
});

/** All control groups of the machine. */
function controlGroups(): string[] {
  const groups = readdirSync("/sys/fs/cgroup", { recursive: true, withFileTypes: true });
  return groups
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
    .sort();
}
