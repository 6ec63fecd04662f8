import assert from "node:assert/strict";
import { tags } from "../../src/configuration/tags.ts";
import { parseResult } from "../../components/step-command.ts";
import { someVariant } from "../helpers/variant.ts";

describe("a command's result", () => {
  it("is the last line of its output", () => {
    assert.deepEqual(parseResult('{"a":1}\n'), { a: 1 });
    assert.deepEqual(parseResult('noise\n{"a":1}\n\n'), { a: 1 });
  });

  it("is undefined for anything else, and never an error", () => {
    for (const stdout of [undefined, "", "\n \n", "garbage", '{"a":', "\0"]) {
      assert.equal(parseResult(stdout), undefined, JSON.stringify(stdout));
    }
  });
});

describe("an image's tags", () => {
  it("are the original's, in its order, and the name without its cloud", () => {
    assert.deepEqual(Object.entries(tags(someVariant())), [
      ["arch", "x86_64"],
      ["bootstrap", "tiny"],
      ["cloud", "nocloud"],
      ["description", "Alpine Linux 3.23.6"],
      ["end_of_life", "2027-11-01"],
      ["firmware", "bios"],
      ["image_key", "3.23.6-x86_64-bios-tiny-nocloud"],
      ["name", "alpine-3.23.6-x86_64-bios-tiny-r0"],
      ["project", "https://alpinelinux.org/cloud"],
      ["release", "3.23.6"],
      ["revision", 0],
      ["version", "3.23"],
    ]);
  });
});
