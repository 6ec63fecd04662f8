import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { watchGuest } from "../../../src/boot-test/watch-guest.ts";
import { SshError } from "../../../src/boot-test/ssh.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

type Ended = { exitCode: number | null; stderr: string };

describe("a guest that is watched", () => {
  const running = new Promise<Ended>(() => {});
  const consoleLog = (text: string): string => {
    const file = join(temporaryFolder(), "console.log");
    writeFileSync(file, text);
    return file;
  };
  /** What it fails with, or nothing within a second. */
  async function faultOf(
    ended: Promise<Ended>,
    text: string,
    deadline = performance.now(),
  ): Promise<unknown> {
    const watch = watchGuest({ ended }, consoleLog(text), deadline);
    const silence = new Promise((resolve) => setTimeout(resolve, 900));
    const outcome = await Promise.race([watch.fault, silence]).catch((error: unknown) => error);
    watch.end();
    return outcome;
  }

  it("fails as soon as its kernel panics, with the reason", async () => {
    const fault = await faultOf(running, "[ 1.0] Kernel panic - not syncing: VFS: no root\r\n");
    assert.ok(fault instanceof SshError);
    assert.equal(fault.message, "kernel panic: VFS: no root");
  });

  it("fails when QEMU ends, with what it said", async () => {
    const fault = await faultOf(Promise.resolve({ exitCode: 1, stderr: "no such device" }), "");
    assert.equal((fault as Error).message, "QEMU ended (exit code 1: no such device)");
  });

  it("fails some time after its deadline, when whoever asks it hears nothing any more", async () => {
    const fault = await faultOf(running, "all is well\n", performance.now() - 31_000);
    assert.ok(fault instanceof SshError);
    assert.match(fault.message, /^deadline exceeded: the guest stopped responding/);
  });

  it("is left alone as long as it runs", async () => {
    assert.equal(await faultOf(running, "all is well\n"), undefined);
  });
});
