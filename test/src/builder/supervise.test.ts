import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../helpers/project-copy.ts";
import { isRunning, processesWith, waitUntil } from "../../helpers/processes.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const supervise = join(projectRoot, "src/builder/supervise");

describe("the watchdog of guests", () => {
  const start = (...command: string[]): ChildProcess =>
    spawn(supervise, command, { stdio: ["pipe", "pipe", "ignore"], detached: true });
  const end = (child: ChildProcess): Promise<number | null> =>
    new Promise((resolve) => child.once("close", (code) => resolve(code)));
  /** A number of seconds that no other sleep on this machine has. */
  const uniqueSleep = (): string => `1000.${process.pid}${Math.floor(Math.random() * 1e9)}`;

  for (const status of [0, 1, 77, 255]) {
    it(`passes on the exit status ${status}`, async () => {
      assert.equal(await end(start("sh", "-c", `exit ${status}`)), status);
    });
  }

  it("gives the command its arguments as they are, and no input", async () => {
    const child = start("sh", "-c", 'printf "<%s>" "$@"; cat', "sh", "a b", "$HOME", "", "c'd");
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    assert.equal(await end(child), 0);
    assert.equal(output, "<a b><$HOME><><c'd>");
  });

  it("leaves nothing behind when the command ends by itself", async () => {
    const marker = uniqueSleep();
    const child = start("sh", "-c", `: ${marker}`);
    await end(child);
    await waitUntil("all are gone", () => processesWith(marker).length === 0);
  });

  it("kills the command when its life line closes", async () => {
    const marker = uniqueSleep();
    const child = start("sleep", marker);
    await waitUntil("the command runs", () => processesWith(marker).length > 1);
    child.stdin?.destroy();
    assert.equal(await end(child), 128 + 9);
    await waitUntil("all are gone", () => processesWith(marker).length === 0);
  });

  it("kills a command that ignores signals, too", async () => {
    const marker = uniqueSleep();
    const child = start("sh", "-c", `trap '' TERM HUP INT; while :; do sleep 0.1; : ${marker}; done`);
    await waitUntil("the command runs", () => processesWith(marker).length > 1);
    child.stdin?.destroy();
    await end(child);
    await waitUntil("all are gone", () => processesWith(marker).length === 0);
  });

  it("kills the command when its parent is killed with -9", async () => {
    const marker = uniqueSleep();
    const pidFile = join(temporaryFolder(), "pid");
    const program = `
      const { spawn } = require("node:child_process");
      const { writeFileSync } = require("node:fs");
      const child = spawn(${JSON.stringify(supervise)}, ["sleep", "${marker}"], { stdio: ["pipe", "ignore", "ignore"], detached: true });
      writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
    // Its own command line has the marker as well, and so has the watchdog's.
    await waitUntil("the command runs", () => processesWith(marker).length > 2 && existsSync(pidFile));
    parent.kill("SIGKILL");
    await waitUntil("all are gone", () => processesWith(marker).length === 0);
    assert.equal(isRunning(Number(readFileSync(pidFile, "utf8"))), false);
  });
});
