import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkDisk, passedChecks } from "../../../../src/builder/disk-check/check.ts";
import { mbrDisk } from "../../../helpers/disk.ts";
import { expectedDisk, goodFacts } from "../../../helpers/disk-facts.ts";
import { rejectsWith, throwsError } from "../../../helpers/errors.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

describe("the check of a finished disk", () => {
  const key = join(temporaryFolder(), "mine.rsa.pub");
  writeFileSync(key, "a key");
  const { variant, ...expected } = expectedDisk("bios");
  const settings = { overlays: [] as string[] };
  const build = { ...expected, variant: { ...variant, repoKeys: [key] }, settings };
  const good = goodFacts("bios");
  good.sums.set("etc/apk/keys/mine.rsa.pub", createHash("sha256").update("a key").digest("hex"));

  it("gives all checks, passed", () => {
    const checks = passedChecks(good, build);
    assert.ok(checks.length > 80);
    assert.ok(checks.every(({ passed }) => passed));
  });

  it("lists every fault in one message, with what was found", () => {
    const bad = structuredClone(good);
    bad.links.delete("etc/runlevels/default/sshd");
    bad.texts.set(
      "etc/shadow",
      bad.texts.get("etc/shadow")!.map((line) => line.replace("root:!*", "root:$6$hash")),
    );
    bad.writtenFreeBlocks.push([40_000, 40_255]);
    throwsError(() => passedChecks(bad, build), {
      code: "disk-check-failed",
      where: variant.name,
      // All of it: the list of faults.
      text: new RegExp(
        [
          `^.* 5 of \\d+ checks failed:`,
          "free space that is not blank: a block of 40000 to 40255",
          "services of runlevel default: without sshd",
          "root is locked: not locked",
          "users who can log in: root, not wanted",
          "users with a password: root",
          "→ .*$",
        ].join("\\n +"),
      ),
    });
  });

  it("lists names that would control a terminal, or look like lines of its own, as codes", () => {
    const bad = structuredClone(good);
    const fact = bad.paths.get("etc/motd")!;
    bad.paths.set("tmp/\u001b[2J\nall is well\udcff", fact);
    throwsError(() => passedChecks(bad, build), {
      code: "disk-check-failed",
      where: variant.name,
      text: /\n {4}left over: temporary files: \/tmp\/\\u\{1b\}\[2J\\u\{a\}all is well\\u\{dcff\}\n/,
    });
  });

  it("knows that an overlay has scripts of its own in the image, and when it has not", () => {
    const overlay = temporaryFolder();
    mkdirSync(join(overlay, "scripts"));
    writeFileSync(join(overlay, "scripts/setup-mine"), "");
    const more = structuredClone(good);
    more.texts.get("etc/apk/world")!.push("nc");
    const overlays = { settings: { overlays: [overlay] } };
    const mine = { ...build.variant, scripts: ["setup", "setup-mine"] };
    assert.ok(passedChecks(more, { ...build, ...overlays, variant: mine }).length > 80);
    for (const other of [
      { ...build, ...overlays },
      { ...build, variant: mine },
    ]) {
      const failed = {
        code: "disk-check-failed",
        where: variant.name,
        text: /world: nc, not wanted/,
      } as const;
      throwsError(() => passedChecks(more, other), failed);
    }
  });

  it("refuses a disk that cannot be read", async () => {
    const disk = mbrDisk(join(temporaryFolder(), "disk.raw"), 8, [{ start: 1, length: 7 }]);
    await rejectsWith(checkDisk(disk, build), {
      code: "disk-check-failed",
      where: variant.name,
      text: /^the finished disk of .* cannot be read: the root filesystem: it is no ext4 filesystem\n/,
    });
  });
});
