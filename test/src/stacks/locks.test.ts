import assert from "node:assert/strict";
import os from "node:os";
import type { Lock } from "../../../src/stacks/file-backend.ts";
import { isLockRefusal, requireGone, requireNobody } from "../../../src/stacks/locks.ts";
import { throwsError } from "../../helpers/errors.ts";

const lock = (changes: Partial<Lock>): Lock => ({
  hostname: os.hostname(),
  username: "me",
  timestamp: "2026-11-23T08:00:00Z",
  file: "1.json",
  pid: process.pid,
  ...changes,
});
/** Larger than Linux gives any process. */
const nobody = 2 ** 22 + 1;

describe("a stack's lock", () => {
  it("may be cleared when its run on this machine is gone, or its number is another program's by now", () => {
    requireGone([], "dev", false);
    requireGone([lock({ pid: nobody })], "dev", false);
    requireGone([lock({ pid: process.ppid })], "dev", false);
  });

  it("of another machine is cleared by force only, for nobody sees from here whether its run is gone", () => {
    const foreign = [lock({ hostname: "elsewhere", pid: 17 })];
    throwsError(() => requireGone(foreign, "dev", false), {
      code: "stack-locked",
      where: "stack dev",
      text: /by me on elsewhere, process 17, since 2026/,
    });
    requireGone(foreign, "dev", true);
  });

  it("that is there while recover is at work is of a run that has begun since, and ends it", () => {
    requireNobody([], "dev");
    throwsError(() => requireNobody([lock({ pid: nobody })], "dev"), {
      code: "stack-locked",
      where: "stack dev",
      text: /process 4194305 of me on .*\n.*run recover again/,
    });
  });

  it("is known by the words of Pulumi's backends", () => {
    assert.ok(isLockRefusal("error: the stack is currently locked by 1 lock(s)."));
    assert.ok(isLockRefusal("error: [409] Conflict: Another update is currently in progress."));
    assert.ok(!isLockRefusal("error: no stack named 'dev' found"));
  });
});
