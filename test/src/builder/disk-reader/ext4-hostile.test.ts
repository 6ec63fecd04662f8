/** The ext4 reader on filesystems that want to harm it: each fault must end with an error that says where it is. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Ext4 } from "../../../../src/builder/disk-reader/ext4/filesystem.ts";
import {
  bytesOf,
  ext4Image,
  firstBlock,
  inodeAt,
  openExt4,
  patch,
  withoutChecksums,
} from "../../../helpers/ext4.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const blockSize = 4096;
const superblock = 1024;
/** Where the fields of an inode are in it. */
const field = {
  mode: 0,
  size: 4,
  links: 0x1a,
  blocks: 0x1c,
  flags: 0x20,
  block: 0x28,
  sizeHigh: 0x6c,
  extra: 0x80,
};

/** Reads all that the reader can read. */
function readAll(filesystem: Ext4): void {
  for (const { inode } of filesystem.walk()) {
    if (inode.kind === "file") filesystem.readFile(inode, 2 ** 24);
    if (inode.kind === "link") filesystem.readLink(inode);
    else for (const extent of filesystem.extents(inode)) assert.ok(extent.length > 0);
  }
  for (const [first, last] of filesystem.freeRuns()) assert.ok(first <= last);
  filesystem.journalStart();
}

describe("a hostile ext4 filesystem", function () {
  this.timeout(30_000);
  let good: string;
  let image: string;
  /** The first bytes of inodes, and blocks of files, by path. */
  let inodes: Record<string, number>;
  let blocks: Record<string, number>;
  before(async () => {
    const tree = temporaryFolder();
    mkdirSync(join(tree, "folder/below"), { recursive: true });
    writeFileSync(join(tree, "file"), "x".repeat(3 * blockSize));
    writeFileSync(join(tree, "other"), "y");
    symlinkSync("file", join(tree, "short"));
    symlinkSync("f".repeat(100), join(tree, "long"));
    good = await ext4Image({ tree, features: withoutChecksums });
    const paths = ["<2>", "folder", "folder/below", "file", "other", "short", "long"];
    inodes = {};
    blocks = {};
    for (const path of paths) inodes[path] = await inodeAt(good, path);
    for (const path of paths.filter((one) => one !== "short")) blocks[path] = await firstBlock(good, path);
  });
  beforeEach(() => {
    image = join(temporaryFolder(), "root.img");
    copyFileSync(good, image);
  });

  const fails = (message: RegExp): void =>
    assert.throws(
      () => readAll(openExt4(image)),
      (error: Error) => {
        assert.equal(error.name, "FormatError", error.stack);
        assert.match(error.message, message);
        return true;
      },
    );

  it("is none as long as nothing is changed", () => readAll(openExt4(image)));

  describe("in its superblock", () => {
    const all = 0xffffffff;
    for (const [what, at, value, message] of [
      ["no signature", 0x38, 0, /it is no ext4 filesystem/],
      ["another revision", 0x4c, 0, /invalid revision: 0/],
      ["blocks of gigabytes", 0x18, 31, /invalid block size .*: 31/],
      ["blocks of another size", 0x18, 0, /invalid first block/],
      ["no blocks", 0x04, 0, /invalid number of blocks: 0/],
      ["more blocks than fit", 0x04, 1025, /invalid number of blocks: 1025/],
      ["four thousand million blocks", 0x04, all, /invalid number of blocks/],
      ["groups without blocks", 0x20, 0, /invalid number of blocks per group: 0/],
      ["groups of one block", 0x20, 1, /invalid number of blocks per group: 1/],
      ["groups without inodes", 0x28, 0, /invalid number of inodes per group: 0/],
      ["groups with too many inodes", 0x28, all, /invalid number of inodes per group/],
      ["another number of inodes", 0x00, all, /invalid number of inodes/],
      ["inodes of another size", 0x58, 0xffff, /invalid inode size: 65535/],
      ["inodes without a size", 0x58, 0, /invalid inode size: 0/],
      [
        "features nobody knows",
        0x60,
        all,
        /features that this reader does not know: compression, needs_recovery/,
      ],
      ["no types in directories", 0x60, 0x40, /does not have the feature filetype/],
      ["a journal in no inode", 0xe0, all, /inode 4294967295 of \d+ does not exist/],
      ["a journal in a file", 0xe0, 12, /^its journal has no signature$/],
    ] as const) {
      it(`has ${what}`, () => {
        // A journal is only looked for with its feature.
        if (at === 0xe0) patch(image, superblock + 0x5c, 0x3c);
        patch(image, superblock + at, value);
        fails(message);
      });
    }

    it("has a feature without a name", () => {
      patch(image, superblock + 0x60, 0x42 | 0x80000000);
      fails(/does not know: FEATURE_I31/);
    });
  });

  describe("in its groups", () => {
    for (const [what, at, value] of [
      ["a block bitmap", 0, 0xffffffff],
      ["a block bitmap at its end", 0, 1024],
      ["an inode bitmap in the superblock", 4, 0],
      ["inodes outside", 8, 0xffffffff],
      ["inodes that reach beyond its end", 8, 1023],
    ] as const) {
      it(`has ${what}`, () => {
        patch(image, blockSize + at, value);
        fails(/group 0 has its tables in blocks .* of 1024/);
      });
    }
  });

  describe("in its inodes", () => {
    const inode = (path: string, at: number, ...values: (number | Buffer)[]): void =>
      patch(image, inodes[path]! + at, ...values);

    it("has one without a type, without links, or with more fields than fit", () => {
      inode("file", field.mode, Buffer.from([0, 0]));
      fails(/^inode \d+ is not in use$/);
      copyFileSync(good, image);
      inode("file", field.links, Buffer.from([0, 0]));
      fails(/^inode \d+ is not in use$/);
      copyFileSync(good, image);
      inode("file", field.extra, Buffer.from([0xff, 0xff]));
      fails(/^inode \d+ has 65535 bytes of further fields$/);
    });

    it("has content in places that the reader does not know", () => {
      for (const flag of [0x800, 0x200000, 0x10000000]) {
        inode("file", field.flags, flag | 0x80000);
        fails(/^inode \d+ .*, which this reader does not know$/);
      }
      inode("file", field.flags, 0);
      fails(/^inode \d+ has no extents/);
    });

    it("has sizes that no memory has", () => {
      inode("file", field.sizeHigh, 0xffffffff);
      fails(/^inode \d+ has the size 1844674\d+$/);
      inode("file", field.sizeHigh, 0x1fffff);
      fails(/^inode \d+ has 90071\d+ bytes, more than the 16777216 that it may have$/);
      inode("file", field.sizeHigh, 0);
      inode("folder", field.size, 0xfffff000);
      fails(/^directory inode \d+ has 1 blocks and 4294963200 bytes$/);
    });

    it("has a link that is long, empty, or not where its size says", () => {
      inode("short", field.size, 0xffffffff);
      fails(/^the link of inode \d+ has a target of 4294967295 bytes$/);
      inode("short", field.size, 0);
      fails(/^the link of inode \d+ has a target of 0 bytes$/);
      inode("short", field.size, 60);
      fails(/^the link of inode \d+ has its target of 60 bytes in the wrong place$/);
      inode("short", field.size, 4);
      inode("short", field.block, Buffer.from("fi\0e"));
      fails(/^the link of inode \d+ has a target with a zero in it$/);
      inode("short", field.block, Buffer.from("file"));
      inode("long", field.size, 20);
      fails(/^the link of inode \d+ has its target of 20 bytes in the wrong place$/);
    });
  });

  describe("in its extents", () => {
    /** A header, as numbers of 32 bits. */
    const header = (count: number, most: number, depth: number, magic = 0xf30a): number[] => [
      magic | (count << 16),
      most | (depth << 16),
      0,
    ];
    const leaf = (logical: number, length: number, physical: number): number[] => [logical, length, physical];
    const index = (logical: number, block: number): number[] => [logical, block, 0];
    const root = (...numbers: number[]): void => patch(image, inodes["file"]! + field.block, ...numbers);
    const node = (...numbers: number[]): void => patch(image, blocks["other"]! * blockSize, ...numbers);
    const damaged = (what: string): RegExp => new RegExp(`^inode \\d+ has a damaged extent tree: ${what}`);

    it("has nodes that lead to themselves", () => {
      root(...header(1, 4, 1), ...index(0, blocks["other"]!));
      node(...header(1, 340, 1), ...index(0, blocks["other"]!));
      fails(damaged("a node has the depth 1"));
      root(...header(1, 4, 5), ...index(0, blocks["other"]!));
      fails(damaged("a node has the depth 1"));
      root(...header(1, 4, 6), ...index(0, blocks["other"]!));
      fails(damaged("a node has the depth 6"));
    });

    it("has the same node over and over", () => {
      root(...header(4, 4, 1), ...[0, 1, 2, 3].flatMap((logical) => index(logical, blocks["other"]!)));
      node(...header(1, 340, 0), ...leaf(0, 1, 100));
      fails(damaged("block 0 is out of order"));
    });

    it("has nodes with more entries than fit", () => {
      root(...header(5, 5, 0));
      fails(damaged("a node has 5 of 5 entries"));
      root(...header(4, 3, 0));
      fails(damaged("a node has 4 of 3 entries"));
      root(...header(1, 4, 1), ...index(0, blocks["other"]!));
      node(...header(341, 341, 0));
      fails(damaged("a node has 341 of 341 entries"));
      node(...header(0, 340, 0));
      fails(damaged("a node is empty"));
      node(...header(0, 340, 0, 0));
      fails(damaged("a node has no signature"));
    });

    it("has blocks outside of the filesystem", () => {
      for (const block of [0, 1024, 0xffffffff]) {
        root(...header(1, 4, 0), ...leaf(0, 1, block));
        fails(damaged(`it refers to block ${block} of 1024`));
        root(...header(1, 4, 1), ...index(0, block));
        fails(damaged(`it refers to block ${block} of 1024`));
      }
      root(...header(1, 4, 0), ...leaf(0, 25, 1000));
      fails(damaged("it refers to block 1000 of 1024"));
      // The high half of a number of 48 bits.
      root(...header(1, 4, 0), ...leaf(0, 1 | (1 << 16), 100));
      fails(damaged("it refers to block 4294967396 of 1024"));
    });

    it("has extents that overlap, are empty, or go back", () => {
      root(...header(2, 4, 0), ...leaf(0, 2, 100), ...leaf(1, 1, 200));
      fails(damaged("block 0 is the start of 2 blocks"));
      root(...header(1, 4, 0), ...leaf(0, 0, 100));
      fails(damaged("block 0 is the start of 0 blocks"));
      root(...header(2, 4, 0), ...leaf(5, 1, 100), ...leaf(4, 1, 200));
      fails(damaged("block 5 is out of order"));
      root(...header(1, 4, 0), ...leaf(0xffffffff, 2, 100));
      fails(damaged("block 4294967295 is the start of 2 blocks"));
    });
  });

  describe("in its directories", () => {
    /** Writes an entry into the folder, behind `.` and `..`. */
    const entry = (inode: number, length: number, nameLength: number, type: number, name: string): void => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE(inode);
      bytes.writeUInt16LE(length, 4);
      bytes.writeUInt8(nameLength, 6);
      bytes.writeUInt8(type, 7);
      patch(image, blocks["folder"]! * blockSize + 24, bytes, Buffer.from(name));
    };
    const rest = blockSize - 24;

    it("has entries of no length, of a wrong one, or with names that do not fit", () => {
      for (const [length, nameLength] of [
        [0, 1],
        [8, 0],
        [13, 1],
        [rest + 4, 1],
        [0xffff, 1],
        [12, 5],
        [blockSize - 28, 1],
      ] as const) {
        entry(12, length, nameLength, 1, "x");
        fails(
          length === blockSize - 28
            ? /^directory inode \d+ has an entry at byte 4092 of a block that does not fit$/
            : new RegExp(
                `^directory inode \\d+ has an entry at byte 24 .* length of ${length}, and a name of`,
              ),
        );
      }
    });

    it("has names that no file can have", () => {
      for (const name of ["a/b", "a\0b", ""]) {
        entry(12, rest, name.length, 1, name);
        fails(/^directory inode \d+ has an entry at byte 24 of a block that has an invalid name$/);
      }
    });

    it("has entries for inodes that do not exist, are not in use, or are something else", () => {
      entry(0xffffffff, rest, 1, 1, "x");
      fails(/^inode 4294967295 of 1024 does not exist$/);
      entry(1000, rest, 1, 1, "x");
      fails(/^inode 1000 is not in use$/);
      entry(2, rest, 1, 1, "x");
      fails(/^directory inode \d+ has a wrong type for inode 2$/);
    });

    it("contains itself, or is in two places", () => {
      entry(2, rest, 1, 2, "x");
      fails(/^directory inode 2 is in two places$/);
      const below = bytesOf(image).readUInt32LE(blocks["folder/below"]! * blockSize);
      const bytes = Buffer.alloc(24);
      bytes.writeUInt32LE(below);
      bytes.writeUInt16LE(12, 4);
      bytes.write("\x01\x02a", 6, "latin1");
      bytes.writeUInt32LE(below, 12);
      bytes.writeUInt16LE(rest - 12, 16);
      bytes.write("\x01\x02b", 18, "latin1");
      patch(image, blocks["folder"]! * blockSize + 24, bytes);
      fails(new RegExp(`^directory inode ${below} is in two places$`));
    });

    it("has itself and its parent elsewhere than at its start", () => {
      for (const name of [".", ".."]) {
        entry(2, rest, name.length, 2, name);
        fails(/^directory inode \d+ does not start with itself and its parent$/);
      }
      copyFileSync(good, image);
      patch(image, blocks["folder"]! * blockSize, 12);
      fails(/^directory inode \d+ does not start with itself and its parent$/);
      copyFileSync(good, image);
      patch(image, blocks["folder/below"]! * blockSize + 12, 2);
      fails(/^directory inode \d+ does not start with itself and its parent$/);
      copyFileSync(good, image);
      patch(image, blocks["folder"]! * blockSize, Buffer.alloc(blockSize));
      fails(/^directory inode \d+ has an entry at byte 0 of a block that has a length of 0/);
      patch(image, blocks["folder"]! * blockSize, 0, blockSize);
      fails(/^directory inode \d+ is empty$/);
    });

    it("has a name twice", () => {
      const bytes = bytesOf(image);
      const start = blocks["folder"]! * blockSize + 24;
      const inode = bytes.readUInt32LE(start);
      const one = Buffer.from([
        ...bytes.subarray(start, start + 4),
        16,
        0,
        5,
        2,
        ...Buffer.from("below\0\0\0"),
      ]);
      const two = Buffer.from(one);
      two.writeUInt16LE(rest - 16, 4);
      patch(image, start, one, two);
      assert.ok(inode > 10);
      fails(/^directory inode \d+ has a name twice: below$/);
    });

    it("has holes, or blocks beyond its size", () => {
      const at = inodes["folder"]! + field.block;
      patch(image, at + 12, 1);
      fails(/^directory inode \d+ has a hole$/);
      patch(image, at + 12, 0, 32769);
      fails(/^directory inode \d+ has a hole$/);
      patch(image, at + 12, 0, 1);
      patch(image, inodes["folder"]! + field.size, 2 * blockSize);
      fails(/^directory inode \d+ has 1 blocks and 8192 bytes$/);
    });
  });
});

describe("checksums of an ext4 filesystem", function () {
  this.timeout(30_000);
  const places: Record<string, [RegExp, (image: string) => Promise<number>]> = {
    "its superblock": [/^its superblock has a wrong checksum$/, () => Promise.resolve(superblock + 0x88)],
    "a group": [/^group 0 has a wrong checksum$/, () => Promise.resolve(blockSize + 12)],
    "a block bitmap": [
      /^the block bitmap of group 0 has a wrong checksum$/,
      (image) => Promise.resolve(bytesOf(image).readUInt32LE(blockSize) * blockSize + 100),
    ],
    "an inode": [/^inode 12 has a wrong checksum$/, (image) => inodeAt(image, "<12>").then((at) => at + 8)],
    "a node of extents": [
      /^inode 12 has a damaged extent tree: block \d+ has a wrong checksum$/,
      async (image) => {
        // The first entry of the root.
        const at = (await inodeAt(image, "<12>")) + field.block + 12;
        return bytesOf(image).readUInt32LE(at + 4) * blockSize + 20;
      },
    ],
  };
  for (const [what, [message, place]] of Object.entries(places)) {
    it(`tell of one changed byte in ${what}`, async () => {
      const tree = temporaryFolder();
      const content = Buffer.alloc(20 * blockSize);
      for (let block = 0; block < 20; block += 2) content[block * blockSize] = 1;
      writeFileSync(join(tree, "sparse"), content);
      const image = await ext4Image({ tree });
      readAll(openExt4(image));
      const at = await place(image);
      patch(image, at, Buffer.from([bytesOf(image)[at]! ^ 1]));
      assert.throws(
        () => readAll(openExt4(image)),
        (error: Error) => error.name === "FormatError" && message.test(error.message),
      );
    });
  }
});
