import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { dropBrokenAttributes, findLocks } from "../../../src/stacks/file-backend.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("a backend that is a folder, after a killed run", () => {
  let folder: string;
  beforeEach(() => (folder = temporaryFolder()));
  const backend = (): string => pathToFileURL(folder).href;
  const write = (name: string, text: string): string => {
    const file = join(folder, ".pulumi", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };

  it("loses attributes that were cut short, and nothing else", () => {
    const state = write("stacks/alpine/test.json", "{}");
    write("stacks/alpine/test.json.attrs", "");
    write("stacks/alpine/other.json", "");
    const whole = write("stacks/alpine/other.json.attrs", "{}");
    assert.deepEqual(dropBrokenAttributes(backend()), [state]);
    assert.equal(existsSync(`${state}.attrs`), false);
    assert.ok(existsSync(state) && existsSync(whole));
    assert.deepEqual(dropBrokenAttributes(backend()), []);
  });

  it("shows who holds a stack, and not who holds others", () => {
    const lock = { pid: 17, hostname: "here", username: "me", timestamp: "2026-11-23T08:00:00Z" };
    const file = write("locks/organization/alpine/test/1.json", JSON.stringify(lock));
    write("locks/organization/alpine/other/2.json", JSON.stringify(lock));
    assert.deepEqual(findLocks(backend(), "test"), [{ ...lock, file }]);
  });

  it("is asked nothing when it is no folder, or there is none yet", () => {
    for (const none of [undefined, "s3://bucket", `${backend()}/none`]) {
      assert.deepEqual(dropBrokenAttributes(none), []);
      assert.deepEqual(findLocks(none, "test"), []);
    }
  });
});
