import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { checkDisk, freeSpaceCheck } from "../../../../src/builder/disk-check/check.ts";
import { readFacts } from "../../../../src/builder/disk-check/facts.ts";
import { expectedDisk, goodFacts } from "../../../helpers/disk-facts.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";
import { throwsError } from "../../../helpers/errors.ts";

/** A disk that is blank but for what is written at some bytes. */
function disk(...written: number[]): string {
  const file = join(temporaryFolder(), "disk.raw");
  writeFileSync(file, "");
  truncateSync(file, 210 << 20);
  const open = openSync(file, "r+");
  for (const at of written) writeSync(open, "x", at);
  closeSync(open);
  return file;
}

const lines = goodFacts("bios").trimEnd().split("\n");
const facts = readFacts(lines);
/** Of a block of the root filesystem, which starts at the first MiB. */
const block = (number: number): number => (1 << 20) + number * 4096;

describe("free space of a disk", () => {
  it("is blank, whatever is beside it", () => {
    assert.ok(
      freeSpaceCheck(disk(0, block(39_999), block(50_001), block(50_009), block(50_011)), facts).passed,
    );
  });

  it("is looked at to its last byte", () => {
    for (const at of [block(40_000), block(45_000) + 17, block(50_001) - 1, block(50_010)]) {
      assert.equal(freeSpaceCheck(disk(at), facts).passed, false, String(at));
    }
    assert.equal(freeSpaceCheck(disk(block(50_010)), facts).found, "a block of 50010 to 50010");
  });
});

describe("the check of a finished disk", () => {
  const key = join(temporaryFolder(), "mine.rsa.pub");
  writeFileSync(key, "a key");
  const { variant, ...expected } = expectedDisk("bios");
  const settings = { overlays: [] as string[] };
  const build = { ...expected, variant: { ...variant, repoKeys: [key] }, settings };
  const keySum = createHash("sha256").update("a key").digest("hex");
  const good = lines.map((line) => line.replace(/^sum 5+/, `sum ${keySum}`));

  it("gives all checks, passed", () => {
    const checks = checkDisk(disk(), good, build);
    assert.ok(checks.length > 80);
    assert.ok(checks.every(({ passed }) => passed));
  });

  it("lists every fault in one message, with what was found", () => {
    const bad = good
      .filter((line) => !line.includes("runlevels/default/sshd"))
      .map((line) => line.replace("shadow:root:!*", "shadow:root:$6$hash"));
    throwsError(() => checkDisk(disk(block(40_000)), bad, build), {
      code: "disk-check-failed",
      where: variant.name,
      // All of it: the list of faults.
      text: new RegExp(
        [
          `^.* 5 of \\d+ checks failed:`,
          "services of runlevel default: without sshd",
          "root is locked: not locked",
          "users who can log in: root, not wanted",
          "users with a password: root",
          "free space that is not blank: a block of 40000 to 40255",
          "→ .*$",
        ].join("\\n +"),
      ),
    });
  });

  it("knows that an overlay has scripts of its own in the image, and when it has not", () => {
    const overlay = temporaryFolder();
    mkdirSync(join(overlay, "scripts"));
    writeFileSync(join(overlay, "scripts/setup-mine"), "");
    const more = [...good, "line etc/apk/world:nc"];
    const overlays = { settings: { overlays: [overlay] } };
    const mine = { ...build.variant, scripts: ["setup", "setup-mine"] };
    assert.ok(checkDisk(disk(), more, { ...build, ...overlays, variant: mine }).length > 80);
    for (const other of [
      { ...build, ...overlays },
      { ...build, variant: mine },
    ]) {
      const failed = {
        code: "disk-check-failed",
        where: variant.name,
        text: /world: nc, not wanted/,
      } as const;
      throwsError(() => checkDisk(disk(), more, other), failed);
    }
  });
});
