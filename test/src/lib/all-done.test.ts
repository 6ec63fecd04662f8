import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { allDone } from "../../../src/lib/all-done.ts";

describe("work that is done at once", () => {
  it("gives all results, in order", async () => {
    assert.deepEqual(await allDone(sleep(2, "slow"), Promise.resolve(1)), ["slow", 1]);
  });

  it("fails with the first error in order, once nothing is under way any more", async () => {
    let isDone = false;
    const slow = sleep(20).then(() => {
      isDone = true;
      throw new Error("first");
    });
    await assert.rejects(allDone(slow, Promise.reject(new Error("second"))), /first/);
    assert.ok(isDone);
  });
});
