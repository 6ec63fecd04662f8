/** The ext4 reader on filesystems that mke2fs made, against the folder that they were made from and what e2fsprogs says. */
import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Ext4 } from "../../../../src/builder/disk-reader/ext4/filesystem.ts";
import type { Inode } from "../../../../src/builder/disk-reader/ext4/inode.ts";
import {
  debugfs,
  e2fsprogs,
  ext4Image,
  imageFeatures,
  openExt4,
  withoutChecksums,
} from "../../../helpers/ext4.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const limit = 2 ** 24;

/** What a reader finds, by path. */
function found(filesystem: Ext4): Map<string, Inode> {
  return new Map([...filesystem.walk()].map(({ path, inode }) => [path, inode]));
}

/** Names that are hard to print, split or store. Two are not UTF-8, and would look the same if that were replaced. */
const oddNames = [
  "with space",
  "line\nfeed",
  "\x1b[31mred",
  "ünï-↯",
  "__proto__",
  "constructor",
  '"',
  "\\x",
  "-",
  "...",
  "a:b",
  "x".repeat(255),
  "\ufeffmark",
].map((name) => Buffer.from(name));
const invalidNames = [Buffer.from([0x61, 0xff]), Buffer.from([0x61, 0xfe])];

/** A folder with everything that the reader must know. */
function makeTree(): string {
  const tree = temporaryFolder();
  for (const folder of ["etc", "many", "odd", "deep/a/b/c/d", "empty"]) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  writeFileSync(join(tree, "etc/motd"), "Welcome\n".repeat(2000));
  writeFileSync(join(tree, "etc/nothing"), "");
  writeFileSync(join(tree, "deep/a/b/c/d/file"), "at the bottom");
  for (let number = 0; number < 1500; number++)
    writeFileSync(join(tree, "many", `${number} ${"-".repeat(200)}`), "");
  for (const name of [...oddNames, ...invalidNames]) {
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/odd/`), name]), name);
  }
  symlinkSync("motd", join(tree, "etc/short"));
  symlinkSync("s".repeat(59), join(tree, "etc/59"));
  symlinkSync("s".repeat(60), join(tree, "etc/60"));
  symlinkSync(`/${"long/".repeat(180)}`, join(tree, "etc/long"));
  linkSync(join(tree, "etc/motd"), join(tree, "etc/other-name-of-motd"));
  chmodSync(join(tree, "etc/motd"), 0o4640);
  chmodSync(join(tree, "etc"), 0o1777);
  utimesSync(join(tree, "etc/motd"), 1_000, 2_000);

  // Every other block of 4 KiB is a hole: too many extents for one level of their tree.
  const sparse = join(tree, "sparse");
  const descriptor = openSync(sparse, "w");
  for (let block = 0; block < 1000; block += 2) writeSync(descriptor, `block ${block}`, block * 4096);
  closeSync(descriptor);
  truncateSync(sparse, 1000 * 4096 + 17);
  return tree;
}

/** All paths below a folder, as bytes. */
function pathsBelow(folder: Buffer): Buffer[] {
  return readdirSync(folder, { withFileTypes: true, encoding: "buffer" }).flatMap((entry) => {
    const path = Buffer.concat([folder, Buffer.from("/"), entry.name]);
    return [path, ...(entry.isDirectory() ? pathsBelow(path) : [])];
  });
}

for (const [what, options] of Object.entries({
  "with blocks of 4 KiB": { mib: 24 },
  "with blocks of 1 KiB, in many groups": { mib: 48, blockSize: 1024 },
  "without checksums": { mib: 24, features: withoutChecksums },
  "with a journal": { mib: 40, features: "^64bit,^metadata_csum_seed,^orphan_file" },
  "with small inodes": { mib: 24, more: ["-I", "128"] },
  "with checksums of another kind": { mib: 24, features: `${withoutChecksums},uninit_bg` },
})) {
  describe(`an ext4 filesystem ${what}`, function () {
    this.timeout(60_000);
    let tree: string;
    let image: string;
    let filesystem: Ext4;
    before(async () => {
      tree = makeTree();
      image = await ext4Image({ tree, ...options });
      filesystem = openExt4(image);
    });

    it("has the files of its folder, with owners, modes, sizes and times", () => {
      const inodes = found(filesystem);
      const isValid = (path: Buffer): boolean => !path.includes(0xff) && !path.includes(0xfe);
      const paths = pathsBelow(Buffer.from(tree));
      const names = paths.map((path) => path.subarray(tree.length + 1));
      assert.ok(paths.length > 1500);
      assert.deepEqual(
        [...inodes.keys()].filter((path) => path !== "." && path !== "lost+found").sort(),
        [...names.filter(isValid).map(String), "odd/a\udcff", "odd/a\udcfe"].sort(),
      );
      for (const path of paths.filter(isValid)) {
        const stats = lstatSync(path);
        const name = path.subarray(tree.length + 1).toString();
        const inode = inodes.get(name)!;
        const kind = stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "file";
        const { uid, gid } = stats;
        assert.deepEqual(
          { kind: inode.kind, mode: inode.mode, uid: inode.uid, gid: inode.gid },
          { kind, mode: stats.mode & 0o7777, uid, gid },
          name,
        );
        if (kind !== "folder") assert.equal(inode.size, stats.size, name);
        assert.equal(Math.floor(inode.times[1]), Math.floor(stats.mtimeMs / 1000), name);
      }
      assert.deepEqual(inodes.get("etc/motd")!.times.slice(0, 2).map(Math.floor), [1_000, 2_000]);
    });

    it("has their content, with holes as zeroes", () => {
      const inodes = found(filesystem);
      for (const name of ["etc/motd", "etc/nothing", "deep/a/b/c/d/file", "sparse", "odd/line\nfeed"]) {
        assert.ok(filesystem.readFile(inodes.get(name)!, limit).equals(readFileSync(join(tree, name))), name);
      }
      assert.equal(filesystem.readFile(inodes.get("odd/a\udcff")!, limit)[1], 0xff);
      assert.equal(inodes.get("etc/motd")?.number, inodes.get("etc/other-name-of-motd")?.number);
    });

    it("has links, in their inodes and in blocks of their own", () => {
      const inodes = found(filesystem);
      for (const name of ["short", "59", "60", "long"]) {
        assert.equal(filesystem.readLink(inodes.get(`etc/${name}`)!), readlinkSync(join(tree, "etc", name)));
      }
    });

    it("has files where debugfs sees them, however deep their extents are", async () => {
      const inodes = found(filesystem);
      for (const name of ["etc/motd", "etc/nothing", "etc/long", "many", "sparse"]) {
        const extents = [...filesystem.extents(inodes.get(name)!)];
        const blocks = extents.flatMap(({ physical, length }) =>
          Array.from({ length }, (_, index) => physical + index),
        );
        const listed = await debugfs(image, [`blocks "/${name}"`]);
        // debugfs lists the blocks of the extent tree, too, before what they are about.
        const tree = new Set(await extentBlocks(image, name));
        const expected = listed.trim().split(" ").filter(Boolean).map(Number);
        assert.deepEqual(
          blocks,
          expected.filter((block) => !tree.has(block)),
          name,
        );
      }
      const levels = /^ *\d+\/ *(\d+)/m.exec(await debugfs(image, ["ex /sparse"]))![1];
      assert.ok(Number(levels) > 0, levels);
    });

    it("has the free blocks that dumpe2fs lists", async () => {
      const listed = await e2fsprogs("dumpe2fs", image);
      const expected = [...listed.matchAll(/^ {2}Free blocks: (\d.*)$/gm)].flatMap(([, ranges]) =>
        ranges!.split(", ").map((range) => {
          const [first, last = first] = range.split("-").map(Number);
          return [first, last];
        }),
      );
      assert.ok(expected.length > 0);
      assert.deepEqual([...filesystem.freeRuns()], expected);
    });

    it("has the superblock that dumpe2fs shows", async () => {
      const fields = new Map(
        (await e2fsprogs("dumpe2fs", "-h", image))
          .split("\n")
          .map((line) => line.split(/:\s+/) as [string, string]),
      );
      const { superblock } = filesystem;
      const seconds = (name: string): number => Date.parse(fields.get(name)!) / 1000;
      assert.deepEqual(
        [superblock.uuid, superblock.hashSeed, superblock.features.join(" "), superblock.blockCount],
        [
          fields.get("Filesystem UUID"),
          fields.get("Directory Hash Seed"),
          fields.get("Filesystem features"),
          Number(fields.get("Block count")),
        ],
      );
      assert.deepEqual(
        [superblock.created, superblock.written, superblock.checked, superblock.mountCount],
        [...["Filesystem created", "Last write time", "Last checked"].map(seconds), 0],
      );
      assert.equal(superblock.clean, true);
      const hasJournal = superblock.features.includes("has_journal");
      assert.equal(filesystem.journalStart(), hasJournal ? Number(fields.get("Journal start")) : undefined);
    });
  });
}

/** The blocks of a file's extent tree. */
async function extentBlocks(image: string, name: string): Promise<number[]> {
  const lines = (await debugfs(image, [`ex "/${name}"`])).split("\n");
  return lines.flatMap((line) => {
    const [, level, depth, block] = /^ *(\d+)\/ *(\d+) .*- *\d+ +(\d+) +\d+$/.exec(line) ?? [];
    return level === undefined || level === depth ? [] : [Number(block)];
  });
}

describe("an ext4 filesystem", function () {
  this.timeout(30_000);

  it("has directories with hash trees", async () => {
    const image = await ext4Image({ tree: makeTree(), mib: 24, blockSize: 1024 });
    const before = [...found(openExt4(image)).keys()].sort();
    // e2fsck writes the trees that mke2fs does without.
    await e2fsprogs("sh", "-c", `e2fsck -fyD ${image} >/dev/null; [ $? -le 1 ]`);
    assert.match(await debugfs(image, ["htree_dump /many"]), /Indirect levels: [1-9]/);
    assert.deepEqual([...found(openExt4(image)).keys()].sort(), before);
  });

  it("has times up to the year 2446, with fractions, and before 1970", async () => {
    const tree = temporaryFolder();
    for (const name of ["late", "early"]) writeFileSync(join(tree, name), "");
    const image = await ext4Image({ tree });
    await debugfs(
      image,
      [
        "sif late mtime 0x10",
        // The year 2106, and half a second.
        `sif late mtime_extra ${(500_000_000 << 2) + 1}`,
        "sif early mtime 0xfffffff0",
        "sif early mtime_extra 0",
      ],
      true,
    );
    const inodes = found(openExt4(image));
    assert.equal(inodes.get("late")?.times[1], 2 ** 32 + 16.5);
    assert.equal(inodes.get("early")?.times[1], -16);
  });

  it("has users beyond 65535, devices, sockets and pipes", async () => {
    const tree = temporaryFolder();
    writeFileSync(join(tree, "file"), "");
    if (process.getuid?.() === 0) lchownSync(join(tree, "file"), 100_000, 70_000);
    const image = await ext4Image({ tree });
    const owner = process.getuid?.() === 0 ? [] : ["uid 34464", "uid_high 1", "gid 4464", "gid_high 1"];
    await debugfs(
      image,
      [...owner.map((field) => `sif file ${field}`), "mknod disk b 8 0", "mknod null c 1 3", "mknod pipe p"],
      true,
    );
    const inodes = found(openExt4(image));
    assert.deepEqual([inodes.get("file")?.uid, inodes.get("file")?.gid], [100_000, 70_000]);
    assert.deepEqual(
      ["disk", "null", "pipe"].map((name) => inodes.get(name)?.kind),
      ["other", "other", "other"],
    );
  });

  it("has blocks that are allocated but unwritten: they are no data", async () => {
    const image = await ext4Image({ mib: 8 });
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "x".repeat(4096));
    await debugfs(image, [`write ${file} file`, "fallocate file 1 3", "sif file size 16384"], true);
    const filesystem = openExt4(image);
    const inode = found(filesystem).get("file")!;
    assert.deepEqual(
      [...filesystem.extents(inode)].map(({ logical, length, written }) => [logical, length, written]),
      [
        [0, 1, true],
        [1, 3, false],
      ],
    );
    const content = filesystem.readFile(inode, limit);
    assert.equal(content.toString("latin1").replace(/\0+$/, ""), "x".repeat(4096));
    assert.equal(content.length, 16384);
  });

  it("is not clean after it was mounted, or when errors were found in it", async () => {
    const image = await ext4Image();
    for (const [state, clean] of [
      [1, true],
      [0, false],
      [3, false],
    ] as const) {
      await debugfs(image, [`ssv state ${state}`], true);
      assert.equal(openExt4(image).superblock.clean, clean, String(state));
    }
  });

  it("tells where its journal's replay starts", async () => {
    const image = await ext4Image({ mib: 40, features: "^64bit,^metadata_csum_seed,^orphan_file" });
    assert.equal(openExt4(image).journalStart(), 0);
    await debugfs(image, ["jo", "jw -b 333 /dev/zero", "jc"], true);
    // What the journal has to replay would change what is read.
    assert.throws(() => openExt4(image), /features that this reader does not know: needs_recovery/);
    await debugfs(image, ["feature -needs_recovery"], true);
    assert.ok(openExt4(image).journalStart()! > 0);
  });

  for (const [feature, options] of Object.entries({
    "64bit": { features: "64bit" },
    meta_bg: { features: `${imageFeatures},meta_bg,^resize_inode` },
    metadata_csum_seed: { features: "^64bit,metadata_csum_seed" },
    inline_data: { features: `${imageFeatures},inline_data` },
    bigalloc: { features: `${imageFeatures},bigalloc`, more: ["-C", "65536"] },
    sparse_super2: { features: `${imageFeatures},sparse_super2,^resize_inode` },
    encrypt: { features: `${imageFeatures},encrypt` },
  })) {
    it(`is refused with ${feature}`, async () => {
      const image = await ext4Image({ mib: 16, ...options });
      assert.throws(() => openExt4(image), new RegExp(`^FormatError: .* does not know: .*${feature}`));
    });
  }

  it("is refused with files that have no extents", async () => {
    const tree = temporaryFolder();
    writeFileSync(join(tree, "file"), "content");
    const image = await ext4Image({ tree, features: `${imageFeatures},^extent` });
    assert.throws(() => found(openExt4(image)), /inode 2 has no extents/);
  });
});
