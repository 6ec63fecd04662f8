/** Whether a tree fits a disk, against what mke2fs leaves free. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../../helpers/project-copy.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

/**
 * MiB of a disk → MiB that are free in its filesystem beside its journal: measured with mke2fs 1.47, with the options of
 * ext4-functions.
 */
const free: Record<number, number> = {
  40: 32,
  116: 103,
  127: 114,
  128: 114,
  136: 110,
  200: 170,
  511: 461,
  512: 462,
  513: 487,
  1024: 989,
  2048: 1979,
  4096: 3958,
  16384: 16017,
};

const folder = temporaryFolder();

/** What check-size says of a disk and a tree of so many MiB; nothing where it fits. */
function checkSize(diskMib: number, treeMib: number): string {
  writeFileSync(join(folder, "du"), `#!/bin/sh\nprintf '${treeMib}\\t/tree\\n'\n`, { mode: 0o755 });
  const { status, output } = spawnSync("sh", [join(projectRoot, "src/builder/guest/check-size")], {
    env: { PATH: `${folder}:${process.env.PATH}`, TREE: "/tree", DISK_MIB: String(diskMib) },
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    encoding: "utf8",
  });
  const said = output[3] ?? "";
  assert.equal(status, said === "" ? 0 : 1);
  return said;
}

describe("check-size", () => {
  for (const [disk, mib] of Object.entries(free)) {
    it(`takes what fits a disk of ${disk} MiB, and no more`, () => {
      // A little is left for what a tree needs beyond its blocks, and more of it on a larger disk.
      assert.equal(checkSize(Number(disk), mib - 3 - Math.ceil(mib / 500)), "");
      assert.notEqual(checkSize(Number(disk), mib + 1), "");
    });
  }

  it("says by how much, and a disk as large as it says is large enough", () => {
    for (const [disk, tree] of [
      [40, 79],
      [116, 112],
      [120, 112],
      [300, 290],
      [1024, 1100],
    ] as const) {
      const said = checkSize(disk, tree);
      const [, more] = new RegExp(
        `^because the files need \\d+ MiB .*, and the disk has ${disk}: raise diskSize by (\\d+) MiB or more\\n$`,
      ).exec(said) ?? ["", "0"];
      assert.notEqual(more, "0", said);
      assert.equal(checkSize(disk + Number(more), tree), "", `${more} MiB more`);
      assert.notEqual(checkSize(disk + Number(more) - 4, tree), "", `${more} MiB are not too many`);
    }
  });
});
