import assert from "node:assert/strict";
import { rowOf, runRounds, type Task } from "../../bench/rounds.ts";
import type { ErrorCode } from "../../src/lib/error-codes.ts";
import { UserError } from "../../src/lib/user-error.ts";
import { someVariant } from "../helpers/variant.ts";

const variant = someVariant();
const quiet = (): void => {};

function task(builder: string, measure: Task["measure"], reason?: string): Task {
  return { rows: [rowOf("this", builder, variant, "cold", reason)], measure };
}

describe("rounds of measurements", () => {
  it("measure each thing once per round, one after the other", async () => {
    const order: string[] = [];
    const counting = (name: string): Task =>
      task(name, () => Promise.resolve([{ seconds: order.push(name) }]));
    const rows = await runRounds([counting("a"), counting("b")], 2, quiet);
    assert.deepEqual(order, ["a", "b", "a", "b"]);
    assert.deepEqual(
      rows.map(({ builder, runs }) => [builder, ...runs.map(({ seconds }) => seconds)]),
      [
        ["a", 1, 3],
        ["b", 2, 4],
      ],
    );
  });

  it("give each row of one measurement its own run", async () => {
    const rows = [rowOf("peer", "peer", variant, "cold"), rowOf("peer", "peer", variant, "disk only")];
    await runRounds([{ rows, measure: () => Promise.resolve([{ seconds: 7 }, { seconds: 4 }]) }], 1, quiet);
    assert.deepEqual(
      rows.map(({ runs }) => runs),
      [[{ seconds: 7 }], [{ seconds: 4 }]],
    );
  });

  it("leave out what does not apply", async () => {
    const never = (): never => assert.fail("it was measured");
    const [row] = await runRounds([task("a", never, "no namespaces")], 3, quiet);
    assert.deepEqual([row?.reason, row?.runs], ["no namespaces", []]);
  });

  for (const [code, failed] of [
    ["offline-kit-incomplete", false],
    ["guest-panic", true],
  ] satisfies [ErrorCode, boolean][]) {
    it(`end with the first error, as the reason: ${code} is ${failed ? "a" : "no"} failure`, async () => {
      let tries = 0;
      const failing = task("a", () => {
        tries += 1;
        return Promise.reject(new UserError(code, "it went wrong\nin detail"));
      });
      const [row] = await runRounds([failing], 3, quiet);
      assert.equal(tries, 1);
      assert.deepEqual([row?.reason, row?.failed, row?.runs], ["it went wrong", failed, []]);
    });
  }

  it("do not hide a bug", async () => {
    const bug = task("a", () => Promise.reject(new TypeError("bug")));
    await assert.rejects(runRounds([bug], 1, quiet), TypeError);
  });
});
