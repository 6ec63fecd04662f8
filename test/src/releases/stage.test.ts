import assert from "node:assert/strict";
import { remove } from "../../../src/releases/remove.ts";
import { list, promote, retire, withdraw } from "../../../src/releases/stage.ts";
import { ledger, start, today } from "./fixture.ts";
import { rejectsWith } from "../../helpers/errors.ts";

describe("releases promote and withdraw", () => {
  it("raise the stage, and lower it only after the mark", async () => {
    const { options, read } = start({}, ledger.replace("stage: release", "stage: sign"));
    await promote("3.19", options);
    assert.match(read(), /stage: publish/);
    await promote("3.19.1-r0", { ...options, to: "release" });
    assert.match(read(), /stage: release/);
    const where = "releases 3.19.1-r0";
    await rejectsWith(promote("3.19.1", { ...options, to: "local" }), {
      code: "entry-stage-conflict",
      where,
      text: /`withdraw 3\.19\.1-r0 --to local`/,
    });
    await rejectsWith(withdraw("3.19.1", { ...options, to: "import" }), { code: "entry-protected", where });
    await withdraw("3.19.1", { ...options, only: ["aws"] });
    await rejectsWith(withdraw("3.19.1", { ...options, to: "import" }), { code: "entry-protected", where });
    await withdraw("3.19.1", { ...options, only: ["azure"] });
    assert.match(read(), /withdraw: true/);
    await withdraw("3.19.1", { ...options, to: "import" });
    assert.match(read(), /stage: import/);
    await promote("3.19.1", { ...options, to: "publish" });
    assert.doesNotMatch(read(), /withdraw/);
  });

  it("name the nearest entry for one that isn't there", async () => {
    await rejectsWith(promote("3.19.2", start().options), {
      code: "unknown-entry",
      where: "configs/releases.yaml",
      text: /"3\.19\.2"; did you mean "3\.19\.1"/,
    });
  });
});

describe("releases retire", () => {
  it("deprecates an entry, or single images, each from its day on", async () => {
    const { options, read, declared } = start();
    await retire("3.19.1", { ...options, on: "2027-01-01" });
    assert.match(read(), /retired: 2027-01-01$/m);
    await retire("3.19.1", { ...options, on: "2027-02-01", only: ["aws", "uefi"] });
    await retire("3.19.1", { ...options, undo: true, only: ["azure", "tiny"] });
    const days = (...words: string[]) => [
      ...new Set(
        declared()
          .filter(({ variant }) => words.every((word) => Object.values(variant.dimensions).includes(word)))
          .map(({ state }) => state.retired),
      ),
    ];
    assert.deepEqual(days("aws", "uefi"), ["2027-02-01"]);
    assert.deepEqual(days("aws", "bios"), ["2027-01-01"]);
    assert.deepEqual(days("azure", "tiny"), [undefined]);
    assert.deepEqual(days("azure", "cloudinit"), ["2027-01-01"]);
    await retire("3.19.1", { ...options, undo: true });
    assert.equal(read(), ledger);
  });

  it("refuses days that clouds refuse", async () => {
    const { options } = start();
    const refused = { code: "retirement-date-refused", where: "releases --on" } as const;
    await rejectsWith(retire("3.19.1", { ...options, on: today }), refused);
    await rejectsWith(retire("3.19.1", { ...options, on: "2028-06-02" }), {
      ...refused,
      text: / 2028-06-01 /,
    });
    await retire("3.19.1", { ...options, on: "2028-06-02", skip: ["aws"] });
    await rejectsWith(retire("3.19.1", { ...options, on: "soon" }), {
      code: "usage",
      where: "releases --on",
    });
  });
});

describe("releases list", () => {
  it("shows every entry with its state", async () => {
    const { options } = start();
    await remove("3.19.1", { ...options, only: ["aws"] });
    const { text } = list(options);
    assert.match(text, /^3\.19\.1-r0 +release +2026-05-01 +2026-06-01 +2027-05-01 +16 +8 removing$/m);
  });
});
