import assert from "node:assert/strict";
import { meet, planSchema, type CallFacts, type FaultPlan } from "./faults.ts";

const call = (changes: Partial<CallFacts> = {}): CallFacts => ({
  action: "CopyImage" as const,
  account: "111122223333",
  region: "eu-west-1",
  params: { Name: "one" },
  ...changes,
});

describe("AWS emulator: fault plans", () => {
  const met = (plan: FaultPlan, calls: CallFacts[]): boolean[] => {
    const seen = {};
    return calls.map((one) => meet(planSchema.parse(plan), one, seen) !== undefined);
  };
  const four = [call(), call(), call(), call()];

  it("break a call once, some times, always, or after some have passed", () => {
    const action = "CopyImage";
    assert.deepEqual(met([{ action }], four), [true, false, false, false]);
    assert.deepEqual(met([{ action, times: 2 }], four), [true, true, false, false]);
    assert.deepEqual(met([{ action, times: "always" }], four), [true, true, true, true]);
    assert.deepEqual(met([{ action, skip: 2 }], four), [false, false, true, false]);
    assert.deepEqual(met([{ action }, { action, skip: 1 }], four), [true, false, true, false]);
  });

  it("break only the call, region, account and parameters that they name", () => {
    const others = [
      call({ action: "RegisterImage" }),
      call({ region: "us-east-1" }),
      call({ account: "444455556666" }),
      call({ params: { Name: "two" } }),
    ];
    const fault = {
      action: "CopyImage",
      region: "eu-west-1",
      account: "111122223333",
      parameters: '"one"',
    } as const;
    assert.deepEqual(met([fault], [...others, call()]), [false, false, false, false, true]);
  });

  it("are refused when they name a call or a key that isn't known", () => {
    for (const wrong of [
      { action: "CopyImages" },
      { action: "CopyImage", time: 1 },
      { action: "CopyImage", does: "x" },
    ]) {
      assert.equal(planSchema.safeParse([wrong]).success, false, JSON.stringify(wrong));
    }
  });
});
