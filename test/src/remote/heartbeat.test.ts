import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "../../helpers/processes.ts";
import { readHeartbeat } from "../../../src/remote/heartbeat.ts";

describe("the life line of a build on a builder", () => {
  it("brings lines, and signs of life that are none", async () => {
    const input = new PassThrough();
    const next = readHeartbeat(input, () => {});
    input.write('\n{"a":1}\n\n\nfetched\n');
    assert.equal(await next(), '{"a":1}');
    assert.equal(await next(), "fetched");
    input.end();
  });

  it("ends what hangs on it when it closes", async () => {
    const input = new PassThrough();
    const gone = new Promise<void>((resolve) => void readHeartbeat(input, resolve));
    input.end();
    await gone;
  });

  it("ends it when it falls silent, and not as long as there are signs of life", async () => {
    const input = new PassThrough();
    let isGone = false;
    readHeartbeat(input, () => (isGone = true), 0.3);
    for (let sign = 0; sign < 5; sign += 1) {
      await sleep(80);
      input.write("\n");
    }
    assert.equal(isGone, false);
    await waitUntil("it is gone", () => isGone);
  });
});
