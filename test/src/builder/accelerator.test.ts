import assert from "node:assert/strict";
import { answerOf } from "../../../src/builder/accelerator.ts";

describe("what is known of an accelerator", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");

  it("is for good where it worked", () => assert.equal(answerOf(true, now), true));

  it("is for a day where it did not", () => {
    assert.equal(answerOf("2026-11-24T11:59:00.000Z", now), false);
    assert.equal(answerOf("2026-11-23T12:00:01.000Z", now), false);
    assert.equal(answerOf("2026-11-23T11:59:59.000Z", now), undefined);
  });

  it("is nothing where the file says anything else", () => {
    for (const answer of [undefined, false, "yesterday", "2026-11-25T12:00:00.000Z"])
      assert.equal(answerOf(answer, now), undefined);
  });
});
