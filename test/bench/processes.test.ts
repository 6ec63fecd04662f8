import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { kibOf, readStat, treeOf } from "../../bench/processes.ts";
import { watchTree } from "../../bench/tree-usage.ts";

describe("the processes of a machine", () => {
  it("are read from /proc, whatever their names", () => {
    const fields = "S 7 8 9 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 0 0 0";
    assert.deepEqual(readStat(`42 (a) b (c) ${fields}`), {
      pid: 42,
      name: "a) b (c",
      parent: 7,
      session: 9,
      cpuSeconds: 2,
    });
  });

  it("have their memory in KiB", () => {
    const text = "Rss:                1612 kB\nPss:                 309 kB\nPss_Anon:            112 kB\n";
    assert.equal(kibOf(text, "Pss"), 309);
    assert.equal(kibOf(text, "Pss_Shmem"), 0);
    assert.equal(kibOf(undefined, "Pss"), 0);
  });

  it("form trees", () => {
    const all = [
      { pid: 1, parent: 0 },
      { pid: 5, parent: 3 },
      { pid: 2, parent: 1 },
      { pid: 3, parent: 2 },
      { pid: 4, parent: 1 },
    ];
    assert.deepEqual(
      treeOf(2, all).map(({ pid }) => pid),
      [2, 3, 5],
    );
    assert.deepEqual(treeOf(9, all), []);
  });
});

describe("the memory of a process tree", function () {
  this.timeout(20_000);

  it("includes what a child's child uses", async function () {
    if (process.platform !== "linux") {
      console.log("      skipped: only Linux reports the memory of processes");
      this.skip();
    }
    const mib = 150;
    const eat = `const eaten = Buffer.alloc(${mib} * 2 ** 20, 1); setTimeout(() => eaten.at(0), 1500)`;
    const child = spawn("sh", ["-c", '"$0" -e "$1"; exit 0', process.execPath, eat]);
    const stop = watchTree(child.pid!);
    await once(child, "close");
    const usage = stop();
    assert.ok(
      usage !== undefined && usage.peakMib >= mib && usage.peakMib < 3 * mib,
      `${usage?.peakMib} MiB`,
    );
  });

  it("is unknown for a process that does not exist", () => {
    assert.equal(watchTree(2 ** 30)(), undefined);
  });
});
