import assert from "node:assert/strict";
import {
  countText,
  problemText,
  resultTable,
  type CheckResult,
} from "../../../src/preflight/check-result.ts";

const ok = (where: string): CheckResult => ({ check: "regions", where, level: "ok", found: "switched on" });
const bad = (where: string): CheckResult => ({
  check: "quota",
  where,
  level: "error",
  found: "5 of 5",
  remedy: "ask for more",
});
const results = [
  ok("a"),
  ok("b"),
  ok("c"),
  bad("a"),
  bad("b"),
  bad("c"),
  { ...bad("d"), level: "warning" } as const,
];

describe("preflight's results", () => {
  it("are a table with what to do, what is the same everywhere said once", () => {
    assert.equal(
      resultTable(results),
      [
        "ok       regions  a and 2 more  switched on",
        "error    quota    a and 2 more  5 of 5",
        "         in a, b, c",
        "         → ask for more",
        "warning  quota    d             5 of 5",
        "         → ask for more",
      ].join("\n"),
    );
  });

  it("are problems alone in a message, and counted", () => {
    assert.equal(
      problemText(results),
      "quota: a, b, c: 5 of 5\n  → ask for more\nquota: d: 5 of 5\n  → ask for more",
    );
    assert.equal(countText(results), "3 errors, 1 warning");
    assert.equal(countText([ok("a")]), "");
  });
});
