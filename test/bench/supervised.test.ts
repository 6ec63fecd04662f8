import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLoopDevice } from "../../bench/loop-device.ts";
import { runInOwnNamespaces } from "../../bench/supervised.ts";
import { projectRoot } from "../../src/lib/workspace.ts";
import { processesWith, waitUntil } from "../helpers/processes.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const environment = { PATH: process.env["PATH"] ?? "" };
const mounts = (): string => readFileSync("/proc/mounts", "utf8");
const loops = (): string => spawnSync("losetup", ["--all"], { encoding: "utf8" }).stdout;

/** A sparse file of 16 MiB. */
function diskFile(): string {
  const file = join(temporaryFolder(), "disk");
  writeFileSync(file, "");
  truncateSync(file, 2 ** 24);
  return file;
}

describe("a program in its own namespaces", function () {
  this.timeout(20_000);
  before(function () {
    const mayMount =
      spawnSync("unshare", ["--mount", "--pid", "--fork", "--mount-proc", "true"]).status === 0;
    if (process.getuid?.() === 0 && mayMount) return;
    console.log("      skipped: needs root that may mount");
    this.skip();
  });

  it("has its exit code, the end of its output, and the given environment alone", async () => {
    const script = 'echo "<$FOO$HOME>"; echo wrong >&2; exit 3';
    const run = await runInOwnNamespaces(["sh", "-c", script], { ...environment, FOO: "bar" });
    assert.equal(run.exitCode, 3);
    assert.match(run.output, /<bar>/);
    assert.match(run.output, /wrong/);
    assert.ok(run.seconds > 0);
  });

  it("leaves no mount behind", async () => {
    const folder = temporaryFolder();
    const script = `mount -t tmpfs tmpfs ${folder} && grep -c ${folder} /proc/mounts; exit 1`;
    const run = await runInOwnNamespaces(["sh", "-c", script], environment);
    assert.deepEqual([run.exitCode, run.output.trim()], [1, "1"]);
    assert.ok(!mounts().includes(folder));
  });

  it("dies with the process that started it, its mounts and its loop device too", async function () {
    if (spawnSync("losetup", ["--find"]).status !== 0) {
      console.log("      skipped: needs a free loop device");
      this.skip();
    }
    const disk = diskFile();
    const folder = temporaryFolder();
    const sleep = `1000.${process.pid}${Math.floor(Math.random() * 1e9)}`;
    const modules = join(projectRoot, "bench");
    const program = `
      import { withLoopDevice } from "${modules}/loop-device.ts";
      import { runInOwnNamespaces } from "${modules}/supervised.ts";
      await withLoopDevice("${disk}", (device) => runInOwnNamespaces(
        ["sh", "-c", "mkfs.ext4 -q $0 && mount $0 ${folder} && sleep ${sleep}", device], process.env));
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" });
    await waitUntil("the program runs", () => processesWith(`sleep ${sleep}`).length > 1);
    assert.ok(loops().includes(disk));
    child.kill("SIGKILL");
    await waitUntil("the program is gone", () => processesWith(sleep).length === 0);
    await waitUntil("the device is detached", () => !loops().includes(disk));
    assert.ok(!mounts().includes(folder));
  });
});

describe("a loop device", function () {
  this.timeout(20_000);
  before(function () {
    if (process.getuid?.() === 0 && spawnSync("losetup", ["--find"]).status === 0) return;
    console.log("      skipped: needs root and a free loop device");
    this.skip();
  });

  it("writes to its file, and is detached at the end", async () => {
    const disk = diskFile();
    await withLoopDevice(disk, (device) => {
      assert.ok(loops().includes(disk));
      writeFileSync(device, "boot", { flag: "r+" });
      return Promise.resolve();
    });
    assert.ok(!loops().includes(disk));
    assert.equal(readFileSync(disk).toString("latin1", 0, 4), "boot");
  });

  it("is detached after a failure", async () => {
    const disk = diskFile();
    const failing = withLoopDevice(disk, () => Promise.reject(new TypeError("failed")));
    await assert.rejects(failing, TypeError);
    assert.ok(!loops().includes(disk));
  });
});
