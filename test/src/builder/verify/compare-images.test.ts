/** Small disks with real filesystems, by mke2fs and debugfs. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareDisks, compareImages } from "../../../../src/builder/verify/compare-images.ts";
import { convertDisk } from "../../../../src/builder/formats/convert.ts";
import { identifyVhd } from "../../../../src/builder/formats/vhd.ts";
import { flipByte, gptDisk } from "../../../helpers/disk.ts";
import { runProgram } from "../../../helpers/processes.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const mib = 2 ** 20;
const motd = "Welcome to Alpine!";

describe("two builds of an image", function () {
  let folder: string;
  let first: string;
  let second: string;
  before(async function () {
    for (const program of ["mke2fs", "debugfs"]) {
      if (
        await runProgram(program, ["-V"]).then(
          () => true,
          () => false,
        )
      )
        continue;
      console.log(`      skipped: ${program}, of e2fsprogs, is not on PATH`);
      this.skip();
    }
    folder = temporaryFolder();
    const tree = join(folder, "tree");
    mkdirSync(join(tree, "etc"), { recursive: true });
    writeFileSync(join(tree, "etc/motd"), `${motd}\n`.repeat(1000));
    writeFileSync(join(tree, "etc/with space"), "x".repeat(5000));
    const root = join(folder, "root.img");
    const made = await runProgram("mke2fs", ["-q", "-t", "ext4", "-b", "4096", "-d", tree, root, "3M"]);
    assert.equal(made.code, 0, made.stderr);
    first = gptDisk(join(folder, "first.raw"), 6, [
      { name: "EFI", start: 1, length: 1, content: Buffer.from("boot") },
      { name: "/", start: 2, length: 3, content: readFileSync(root) },
    ]);
    second = join(folder, "second.raw");
  });
  beforeEach(() => copyFileSync(first, second));

  /** Where a text is on the disk. */
  const placeOf = (text: string): number => readFileSync(first).indexOf(text);

  it("have nothing to tell apart when they are the same", async () => {
    assert.deepEqual(await compareDisks(first, second), []);
  });

  it("differ in a file, which is named by its path", async () => {
    const place = placeOf(motd) + 3;
    flipByte(second, place);
    flipByte(second, placeOf("xxxxxxxx"));
    assert.deepEqual(await compareDisks(first, second), [
      `partition 2 (/): /etc/motd: 1 block of 4096 bytes, from byte ${place} of the disk`,
      `partition 2 (/): /etc/with space: 1 block of 4096 bytes, from byte ${placeOf("xxxxxxxx")} of the disk`,
    ]);
  });

  it("differ in what is known of a file: times, owner, mode", async () => {
    const { code, stderr } = await runProgram("debugfs", [
      "-w",
      "-R",
      "sif /etc/motd uid 7",
      `${second}?offset=${2 * mib}`,
    ]);
    assert.equal(code, 0, stderr);
    const lines = await compareDisks(first, second);
    assert.ok(
      lines.some((line) => line.startsWith("partition 2 (/): the inode of /etc/motd: 1 block")),
      lines.join("\n"),
    );
  });

  it("differ in the filesystem itself", async () => {
    flipByte(second, 2 * mib + 1024 + 0x68);
    assert.deepEqual(await compareDisks(first, second), [
      `partition 2 (/): metadata: 1 block of 4096 bytes, from byte ${2 * mib + 1024 + 0x68} of the disk`,
    ]);
  });

  it("differ in the EFI partition, before all partitions, or behind one", async () => {
    for (const place of [440, mib + 2, mib + 9000, 5 * mib + 5]) flipByte(second, place);
    assert.deepEqual(await compareDisks(first, second), [
      "GPT and boot code, before the first partition: 1 block of 4096 bytes, from byte 440 of the disk",
      `partition 1 (EFI): 2 blocks of 4096 bytes, from byte ${mib + 2} of the disk`,
      `GPT, behind a partition: 1 block of 4096 bytes, from byte ${5 * mib + 5} of the disk`,
    ]);
  });

  it("differ in size", async () => {
    writeFileSync(second, "short");
    assert.deepEqual(await compareDisks(first, second), [`the disks have ${6 * mib} and 5 bytes`]);
  });

  it("are compared by what is in their files, and by the files where that is the same", async () => {
    const identity = { uniqueId: "0a1b2c3d-4e5f-8677-a899-aabbccddeeff", time: 1_790_000_000 };
    const vhd = async (disk: string, name: string): Promise<string> => {
      const image = { name, imageFormat: "vhd", imageFormatOptions: "vhd/force-size" } as const;
      return (await convertDisk(disk, folder, image, identity)).file;
    };
    const one = await vhd(first, "one");
    flipByte(second, placeOf(motd));
    const lines = await compareImages(one, await vhd(second, "two"));
    assert.match(
      lines.join("\n"),
      /^partition 2 \(\/\): \/etc\/motd: 1 block of 4096 bytes, from byte \d+ of the disk$/,
    );
    const other = join(folder, "other.vhd");
    copyFileSync(one, other);
    assert.deepEqual(await compareImages(one, other), []);
    identifyVhd(other, { ...identity, time: identity.time + 1 });
    assert.deepEqual(await compareImages(one, other), [
      "the disks are identical, but the files differ from byte 27 on: the difference is in the format",
    ]);
  });
});
