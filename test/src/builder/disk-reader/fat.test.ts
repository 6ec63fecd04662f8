/** The FAT reader on filesystems that mtools made, against the files that it was given. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fat } from "../../../../src/builder/disk-reader/fat.ts";
import { openVolume, patch } from "../../../helpers/ext4.ts";
import { fatImage } from "../../../helpers/fat.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const files = {
  "/EFI/alpine/grubx64.efi": "loader ".repeat(10_000),
  "/EFI/boot/bootx64.efi": "loader ".repeat(10_000),
  "/EFI/boot/NOTHING": "",
  "/EFI/boot/one.TXT": "1",
  "/A long name with ünï-↯.text": "long",
  "/exactly13char": "x".repeat(512),
  [`/${"n".repeat(26)}`]: "26",
  [`/${"n".repeat(200)}`]: "200",
};

const contents = (file: string): Map<string, string> =>
  new Map(Array.from(new Fat(openVolume(file)).files(), ({ path, content }) => [path, content.toString()]));

for (const [what, sectors] of [
  ["FAT12", 1024],
  ["FAT16", 65_536],
] as const) {
  describe(`a ${what} filesystem`, () => {
    let image: string;
    before(async () => (image = await fatImage({ sectors, files, label: "EFI", volumeId: "1a2b3c4d" })));

    it("has the files that it was given, by long and short names", () => {
      assert.deepEqual(new Map([...contents(image)].sort()), new Map(Object.entries(files).sort()));
    });

    it("has its label in both places, and its identifier", () => {
      const fat = new Fat(openVolume(image));
      assert.deepEqual([fat.label, fat.rootLabel(), fat.volumeId], ["EFI", "EFI", "1a2b3c4d"]);
    });
  });
}

describe("a FAT filesystem", () => {
  let good: string;
  let image: string;
  before(async () => {
    good = await fatImage({ sectors: 1024, files, label: "EFI", volumeId: "1a2b3c4d" });
  });
  beforeEach(() => {
    image = join(temporaryFolder(), "efi.img");
    copyFileSync(good, image);
  });

  const fails = (message: RegExp): void =>
    assert.throws(
      () => contents(image),
      (error: Error) => {
        assert.equal(error.name, "FormatError", error.stack);
        assert.match(error.message, message);
        return true;
      },
    );

  for (const [what, at, bytes, message] of [
    ["no signature", 510, [0], /it is no FAT12 or FAT16 filesystem/],
    ["other sectors", 11, [0, 4], /it is no FAT12 or FAT16 filesystem/],
    ["no clusters", 13, [0], /it is no FAT12 or FAT16 filesystem/],
    ["clusters of three sectors", 13, [3], /it is no FAT12 or FAT16 filesystem/],
    ["no tables", 16, [0], /it is no FAT12 or FAT16 filesystem/],
    ["no root directory, as FAT32", 17, [0, 0], /it is no FAT12 or FAT16 filesystem/],
    ["more sectors than fit", 19, [1, 4], /it has 1025 sectors/],
    ["fewer sectors than it needs itself", 19, [1, 0], /it has 1 sectors and -?\d+ clusters/],
    ["a root directory beyond its end", 17, [0xff, 0xff], /it has 1024 sectors and -\d+ clusters/],
    ["tables beyond its end", 22, [0xff, 0xff], /it has 1024 sectors and -\d+ clusters/],
    ["a table that is too short", 22, [1, 0], /its allocation table is too short/],
    ["tables that are different", 512 + 3, [0x12], /its allocation tables are different/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      patch(image, at, Buffer.from(bytes));
      fails(message);
    });
  }

  /** Where the entry of a short name is. */
  const entryOf = (name: string): number => readFileSync(image).indexOf(name.padEnd(11), 0, "latin1");
  const number = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);

  /** Sets the next cluster of one, in all copies of the table. */
  function chain(cluster: number, next: number): void {
    const bytes = readFileSync(image);
    for (let copy = 0; copy < bytes[16]!; copy++) {
      const at = (bytes.readUInt16LE(14) + copy * bytes.readUInt16LE(22)) * 512 + Math.floor(cluster * 1.5);
      const pair = bytes.readUInt16LE(at);
      bytes.writeUInt16LE(cluster % 2 === 0 ? (pair & 0xf000) | next : (pair & 0xf) | (next << 4), at);
    }
    writeFileSync(image, bytes);
  }

  it("is refused with files that refer to clusters outside", () => {
    for (const cluster of [0, 1, 0xff6]) {
      patch(image, entryOf("ONE     TXT") + 26, number(cluster));
      fails(new RegExp(`^its file /EFI/boot/one.TXT refers to cluster ${cluster} of \\d+$`));
    }
  });

  it("is refused with chains of clusters that lead to themselves", () => {
    const cluster = readFileSync(image).readUInt16LE(entryOf("ONE     TXT") + 26);
    chain(cluster, cluster);
    fails(/^its file \/EFI\/boot\/one.TXT has no end, or is larger than/);
    chain(cluster, 0);
    fails(/^its file \/EFI\/boot\/one.TXT refers to cluster 0 of/);
  });

  it("is refused with sizes that are not those of their clusters", () => {
    patch(image, entryOf("ONE     TXT") + 28, 0xffffffff);
    fails(/^its file \/EFI\/boot\/one.TXT has 4294967295 bytes in 1 clusters$/);
    patch(image, entryOf("ONE     TXT") + 28, 0);
    fails(/^its file \/EFI\/boot\/one.TXT has 0 bytes in 1 clusters$/);
  });

  it("is refused with folders that contain themselves", () => {
    const boot = readFileSync(image).readUInt16LE(entryOf("BOOT") + 26);
    patch(image, entryOf("ONE     TXT") + 11, Buffer.from([0x10]));
    patch(image, entryOf("ONE     TXT") + 26, number(boot));
    fails(/^its folder \/EFI\/boot\/one.TXT is in two places$/);
  });

  it("is refused with names that are damaged, or no names", () => {
    // The entry before that of a short name is a part of its long name.
    const short = entryOf("EXACTL~1   ");
    patch(image, short - 32 + 13, Buffer.from([0]));
    fails(/^its folder \/ has a damaged long name$/);
    copyFileSync(good, image);
    patch(image, entryOf("ONE     TXT"), Buffer.from("A/B"));
    fails(/^its folder \/EFI\/boot\/ has an invalid name, or one twice: a\/b/i);
  });

  it("has no files that were deleted, and none behind the end of a folder", () => {
    patch(image, entryOf("ONE     TXT"), Buffer.from([0xe5]));
    assert.ok(![...contents(image).keys()].includes("/EFI/boot/one.TXT"));
    assert.equal(contents(image).size, Object.keys(files).length - 1);
    const sum = createHash("sha256").update(files["/EFI/boot/bootx64.efi"]).digest("hex");
    const found = contents(image).get("/EFI/boot/bootx64.efi")!;
    assert.equal(createHash("sha256").update(found).digest("hex"), sum);
  });
});
