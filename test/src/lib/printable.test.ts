import assert from "node:assert/strict";
import { printable } from "../../../src/lib/printable.ts";

describe("text from outside", () => {
  it("is printed as it is, but for what controls a terminal or cannot be seen", () => {
    assert.equal(printable("/etc/motd: Grüße, 你好 😀 (41 %)"), "/etc/motd: Grüße, 你好 😀 (41 %)");
    assert.equal(printable("a\x1b[31mb\nc\td\x7fe\u0085"), "a\\u{1b}[31mb\\u{a}c\\u{9}d\\u{7f}e\\u{85}");
    assert.equal(printable("a\u202eb\u200bc\udcffd\u{e0041}"), "a\\u{202e}b\\u{200b}c\\u{dcff}d\\u{e0041}");
  });
});
