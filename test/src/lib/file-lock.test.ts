import assert from "node:assert/strict";
import { mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withFileLock } from "../../../src/lib/file-lock.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("a file lock", () => {
  it("lets one run after the other", async () => {
    const file = join(temporaryFolder(), "deep/lock");
    const seen: string[] = [];
    const work = (name: string) =>
      withFileLock(file, async () => {
        seen.push(`${name} begins`);
        await sleep(50);
        seen.push(`${name} ends`);
        return name;
      });
    assert.deepEqual(await Promise.all([work("one"), work("two")]), ["one", "two"]);
    const [one, two] = [
      ["one begins", "one ends"],
      ["two begins", "two ends"],
    ];
    assert.deepEqual(seen, seen[0] === "one begins" ? [...one, ...two] : [...two, ...one]);
  });

  it("says so where it has to be waited for", async () => {
    const file = join(temporaryFolder(), "lock");
    let waits = 0;
    const noWork = () => Promise.resolve();
    await withFileLock(file, noWork, () => (waits += 1));
    assert.equal(waits, 0);
    let second: Promise<void> | undefined;
    await withFileLock(file, async () => {
      second = withFileLock(file, noWork, () => (waits += 1));
      await sleep(50);
      assert.equal(waits, 1);
    });
    await second;
  });

  it("is free again after work that failed, whose error is passed on", async () => {
    const file = join(temporaryFolder(), "lock");
    await assert.rejects(
      withFileLock(file, () => Promise.reject(new Error("no"))),
      /^Error: no$/,
    );
    assert.equal(await withFileLock(file, () => Promise.resolve("done")), "done");
  });

  it("is taken over from a holder that was killed", async () => {
    const file = join(temporaryFolder(), "lock");
    // What such a holder leaves behind: a lock that nobody has touched for longer than a living one would.
    mkdirSync(`${file}.lock`);
    const past = Date.now() / 1000 - 60;
    utimesSync(`${file}.lock`, past, past);
    assert.equal(await withFileLock(file, () => Promise.resolve("done")), "done");
  });
});
