import assert from "node:assert/strict";
import { guestNetwork, readReport } from "../../../src/builder/guest.ts";
import type { Progress } from "../../../src/builder/progress.ts";
import { rejectsWith } from "../../helpers/errors.ts";

/** The lines as a guest sends them, each in its own turn. */
async function* lines(...all: string[]): AsyncGenerator<string> {
  for (const line of all) {
    await Promise.resolve();
    yield line;
  }
}

describe("what a guest reports", () => {
  it("is its result, a JSON value with whatever spaces", async () => {
    const { result, failed } = await readReport(
      lines("phase 20 install packages", 'result {"kernel":"6.18 virt"}'),
    );
    assert.deepEqual(result, { kernel: "6.18 virt" });
    assert.equal(failed, undefined);
  });

  it("is passed on as progress", async () => {
    const seen: string[] = [];
    const progress: Progress = {
      phase: (name, percent) => seen.push(`${percent} ${name}`),
      note: (text) => seen.push(text),
      seconds: () => ({}),
    };
    const report = await readReport(
      lines("phase 20 install packages", "note 41 packages", "phase 45 make  x"),
      progress,
    );
    assert.deepEqual(seen, ["20 install packages", "41 packages", "45 make  x"]);
    assert.equal(report.lastPhase, "make  x");
  });

  it("tells of a base tree as soon as it is packed, and how long it is", async () => {
    const seen: number[] = [];
    await readReport(lines("made base 10240"), undefined, (bytes) => Promise.resolve(void seen.push(bytes)));
    assert.deepEqual(seen, [10240]);
  });

  it("names the innermost failure, not those that pass it on", async () => {
    const { failed, result } = await readReport(lines("failed install-packages 99", "failed build-disk 1"));
    assert.deepEqual(failed, { script: "install-packages", status: 99 });
    assert.equal(result, undefined);
  });

  it("has the reason that a script put into words", async () => {
    const { because } = await readReport(lines("because the disk is too small", "failed check-size 1"));
    assert.equal(because, "the disk is too small");
  });

  it("is nothing when the guest ended without a word", async () => {
    const nothing = { result: undefined, failed: undefined, because: undefined, lastPhase: "boot" };
    assert.deepEqual(await readReport(lines()), nothing);
  });

  it("must be JSON, and is shown when it is not", async () => {
    const text = /\{"packages":\n/;
    await rejectsWith(readReport(lines('result {"packages":')), {
      code: "guest-no-report",
      where: undefined,
      text,
    });
  });

  it("may have lines that mean nothing", async () => {
    const { result } = await readReport(lines("", "hello", "resultant {}", "result 1"));
    assert.equal(result, 1);
  });
});

describe("a guest's network", () => {
  it("is restricted, and leads to the proxy alone", () => {
    const [kind, options] = guestNetwork(4711);
    assert.equal(kind, "-netdev");
    assert.match(
      options!,
      /^user,id=net,restrict=on,guestfwd=tcp:10\.0\.2\.100:80-cmd:.*stdio-to-tcp\.mjs" 4711$/,
    );
    assert.equal(
      options!.match(/guestfwd|hostfwd|smb|tftp/g)?.length,
      1,
      "one forward, and no other service",
    );
  });
});
