import assert from "node:assert/strict";
import { spawn, type SpawnOptions } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type * as Slots from "../../../src/builder/slots.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";

describe("build slots", function () {
  this.timeout(20_000);
  let copy: ProjectCopy;
  let slots: typeof Slots;
  before(async () => {
    copy = projectCopy();
    slots = await copy.load<typeof Slots>("src/builder/slots.ts");
  });

  it("let no more work run at once than there are, over all processes", async () => {
    const log = join(copy.root, "log");
    const program = `
      import { appendFileSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      const { withBuildSlot } = await import(${JSON.stringify(join(copy.root, "src/builder/slots.ts"))});
      const work = async () => {
        appendFileSync(${JSON.stringify(log)}, "+");
        await sleep(150);
        appendFileSync(${JSON.stringify(log)}, "-");
      };
      await Promise.all([1, 2].map(() => withBuildSlot(2, "image", work)));`;
    const run = (): Promise<number | null> =>
      new Promise((resolve, reject) => {
        const options: SpawnOptions = { cwd: copy.root, stdio: "ignore" };
        const child = spawn(process.execPath, ["--input-type=module", "-e", program], options);
        child.on("error", reject).on("close", resolve);
      });
    assert.deepEqual(await Promise.all([run(), run()]), [0, 0]);
    let running = 0;
    const counts = [...readFileSync(log, "utf8")].map((sign) => (running += sign === "+" ? 1 : -1));
    assert.equal(counts.length, 8, "all four had their turn");
    assert.equal(Math.max(...counts), 2, "both slots are used, and never more");
  });

  it("are free again after work that failed", async () => {
    const failing = slots.withBuildSlot(1, "image", () => Promise.reject(new Error("no")));
    await assert.rejects(failing, /^Error: no$/);
    assert.equal(await slots.withBuildSlot(1, "image", () => Promise.resolve("done")), "done");
  });

  it("are had in the order in which they were asked for", async () => {
    const order: number[] = [];
    const asked = [1, 2, 3, 4].map(async (number) => {
      // Asked one after another, and all while the first is at work.
      await sleep(number * 40);
      await slots.withBuildSlot(1, "image", async () => {
        order.push(number);
        await sleep(300);
      });
    });
    await Promise.all(asked);
    assert.deepEqual(order, [1, 2, 3, 4]);
  });

  it("are taken over from a holder that was killed", async () => {
    // What such a holder leaves behind: a lock that nobody has touched for longer than a living one would.
    const ticket = join(copy.root, "work/cache/slots/1.lock");
    mkdirSync(ticket, { recursive: true });
    const past = Date.now() / 1000 - 60;
    utimesSync(ticket, past, past);
    assert.equal(await slots.withBuildSlot(1, "image", () => Promise.resolve("done")), "done");
  });

  it("survive that the cache is deleted meanwhile", async () => {
    const folder = join(copy.root, "work/cache");
    const work = async (): Promise<string> => {
      rmSync(folder, { recursive: true });
      await Promise.resolve();
      return "done";
    };
    assert.equal(await slots.withBuildSlot(1, "image", work), "done");
    assert.equal(await slots.withBuildSlot(1, "image", () => Promise.resolve("done")), "done");
  });

  it("are by default as many as the machine carries", () => {
    const gib = 2 ** 30;
    assert.equal(slots.slotsOf(8, 64 * gib), 8);
    assert.equal(slots.slotsOf(8, 16 * gib), 4, "half of the memory is for others");
    assert.equal(slots.slotsOf(1, 64 * gib), 1);
    assert.equal(slots.slotsOf(4, 1 * gib), 1, "and never none");
  });
});
