import assert from "node:assert/strict";
import { median, medianPhases, rangeText, secondsText } from "../../bench/statistics.ts";

describe("figures of several runs", () => {
  it("have a median: the middle one, or the mean of the two in the middle", () => {
    assert.equal(median([9, 1, 3]), 3);
    assert.equal(median([4, 1, 2, 8]), 3);
    assert.equal(median([5]), 5);
    assert.equal(median([]), undefined);
  });

  it("are printed with two decimals below ten seconds, and with their range if there are several", () => {
    assert.equal(secondsText(3.567), "3.57");
    assert.equal(secondsText(55.72), "55.7");
    assert.equal(secondsText(undefined), "");
    assert.equal(rangeText([9.5, 12.25, 10]), "9.50–12.3");
    assert.equal(rangeText([1]), "");
  });

  it("have a median for each phase, without phases that take no time", () => {
    const runs = [
      { phases: { base: 1, convert: 4, report: 0.01 } },
      { phases: { base: 3, convert: 5, report: 0.02 } },
      { phases: { base: 2, convert: 6 } },
    ];
    assert.deepEqual(medianPhases(runs), { base: "2.0", convert: "5.0" });
  });
});
