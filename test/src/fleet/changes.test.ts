import assert from "node:assert/strict";
import { changesOf } from "../../../src/fleet/changes.ts";
import { summaryOf } from "../../../src/fleet/run-all.ts";

const preview = `Outputs:
  ~ counts  : {}

Resources:
    + 32 to create
    ~ 4 to update
    +-1 to replace
    37 changes. 22 unchanged

`;

describe("a fleet's runs", () => {
  it("are counted as Pulumi counts what it does", () => {
    assert.deepEqual(changesOf(preview), { "to create": 32, "to update": 4, "to replace": 1, unchanged: 22 });
    assert.deepEqual(changesOf("Resources:\n    58 unchanged\n\nDuration: 3s\n"), { unchanged: 58 });
    assert.deepEqual(changesOf("Resources:\n    + 2 created\n    1 errored\n"), { created: 2, errored: 1 });
    assert.deepEqual(changesOf("Resources:\n    + 1 created\n    1 change. 3 unchanged"), {
      created: 1,
      unchanged: 3,
    });
    assert.deepEqual(changesOf("error: no stack named 'a' found"), {});
  });

  it("are summed up, with those that failed and those that were not run", () => {
    const text = summaryOf([
      { stack: "release-3.22", code: 0, seconds: 12.34, changes: { "to create": 2, unchanged: 5 } },
      { stack: "release-3.23", code: 255, seconds: 3, changes: {} },
      { stack: "edge", code: null, seconds: 0, changes: {} },
    ]);
    assert.equal(
      text,
      [
        "release-3.22  ok             12.3 s  2 to create, 5 unchanged",
        "release-3.23  exit code 255  3.0 s",
        "edge          not run        0.0 s",
        "3 stacks: 2 not ok; 2 to create, 5 unchanged",
      ].join("\n"),
    );
    assert.match(summaryOf([{ stack: "a", code: 0, seconds: 1, changes: {} }]), /^1 stack: all ok$/m);
  });
});
