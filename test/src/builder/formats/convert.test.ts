/** Real conversions of small disks, by the real qemu-img. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { compareByQemu, compareContent, convertDisk } from "../../../../src/builder/formats/convert.ts";
import { type ImageFormat, imageFileName } from "../../../../src/builder/formats/image-file.ts";
import { openImageFile, unpack } from "../../../../src/builder/formats/unpack.ts";
import { readVhd, identifyVhd } from "../../../../src/builder/formats/vhd.ts";
import { flipByte, gptDisk, mbrDisk } from "../../../helpers/disk.ts";
import { runProgram } from "../../../helpers/processes.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";
import { rejectsWith } from "../../../helpers/errors.ts";

const identity = { uniqueId: "0a1b2c3d-4e5f-8677-a899-aabbccddeeff", time: 1_790_000_000 };
const mib = 2 ** 20;
/** Something, nothing, and something again: more than a block of a dynamic VHD apart. */
const parts = [
  { start: 1, length: 1, content: Buffer.from("Welcome to Alpine!\n".repeat(200)) },
  { start: 5, length: 2, content: Buffer.from("and so on\n".repeat(300)) },
];

const kinds: Record<string, Omit<ImageFormat, "name">> = {
  qcow2: { imageFormat: "qcow2", imageCompress: "bz2" },
  "dynamic VHD": { imageFormat: "vhd", imageFormatOptions: "vhd/force-size", imageCompress: "bz2" },
  "fixed VHD": { imageFormat: "vhd", imageFormatOptions: "vhd/fixed_force-size", imageCompress: "bz2" },
  raw: { imageFormat: "raw" },
  "raw in bz2": { imageFormat: "raw", imageCompress: "bz2" },
};

describe("a disk's conversion", () => {
  let folder: string;
  let disk: string;
  before(() => {
    folder = temporaryFolder();
    disk = mbrDisk(join(folder, "disk.raw"), 7, parts);
  });

  let runs = 0;
  const convert = async (format: Omit<ImageFormat, "name">, from = disk): Promise<string> => {
    const out = join(folder, String((runs += 1)));
    mkdirSync(out);
    const { file } = await convertDisk(from, out, { name: "image-1.2.3-r0", ...format }, identity);
    return file;
  };

  for (const [kind, format] of Object.entries(kinds)) {
    it(`into ${kind} gives the same bytes each time, and the same disk back`, async () => {
      const [first, second] = [await convert(format), await convert(format)];
      assert.ok(readFileSync(first).equals(readFileSync(second)));
      const back = await openImageFile(first, join(folder, String(runs)));
      const args = ["compare", "-f", "raw", "-F", back.driver, disk, back.file];
      const { code, stdout, stderr } = await runProgram("qemu-img", args);
      assert.equal(code, 0, stdout + stderr);
      assert.equal(existsSync(disk), true);
    });
  }

  it("into VHD gives what QEMU takes for one, with the image's own identity", async () => {
    for (const [option, kind] of [
      ["vhd/force-size", "dynamic"],
      ["vhd/fixed_force-size", "fixed"],
    ] as const) {
      const file = await convert({ imageFormat: "vhd", imageFormatOptions: option });
      assert.deepEqual(readVhd(file), { kind, virtualSize: 7 * mib, ...identity });
      const { stdout } = await runProgram("qemu-img", ["info", "-f", "vpc", "--output=json", file]);
      assert.equal((JSON.parse(stdout) as { "virtual-size": number })["virtual-size"], 7 * mib);
    }
    const fixed = await convert({ imageFormat: "vhd", imageFormatOptions: "vhd/fixed_force-size" });
    assert.equal(statSync(fixed).size, 7 * mib + 512);
  });

  it("refuses a disk without a sound partition table", async () => {
    const grown = gptDisk(join(folder, "grown.raw"), 8, parts, 7);
    await rejectsWith(convert({ imageFormat: "raw" }, grown), {
      code: "image-damaged",
      where: /\/image-1\.2\.3-r0\.raw$/,
      text: /the GPT in sector 1/,
    });
  });

  it("refuses for Google what is not of whole GiB", async () => {
    await rejectsWith(convert({ imageFormat: "raw", imageCompress: "tar.gz" }), {
      code: "image-damaged",
      where: /\/image-1\.2\.3-r0\.raw\.tar\.gz$/,
      text: /7340032 bytes is not a whole number of GiB/,
    });
  });

  it("says what the file's digests are", async () => {
    const out = join(folder, "digests");
    mkdirSync(out);
    const { file, ...digests } = await convertDisk(disk, out, { name: "a", imageFormat: "qcow2" }, identity);
    const digest = (algorithm: string): string =>
      createHash(algorithm).update(readFileSync(file)).digest("hex");
    assert.deepEqual(digests, { sha512: digest("sha512"), sha256: digest("sha256") });
  });

  it("leaves no file when it fails", async () => {
    const out = join(folder, "failed");
    mkdirSync(out);
    // The conversion succeeds, but an empty VHD is not valid.
    const empty = mbrDisk(join(folder, "odd.raw"), 1.5, []);
    await rejectsWith(convertDisk(empty, out, { name: "a", imageFormat: "vhd" }, identity), {
      code: "image-damaged",
      where: join(out, "a.vhd"),
      text: /not a whole number of MiB/,
    });
    assert.deepEqual(readdirSync(out), []);
  });

  const packed: [Omit<ImageFormat, "name">, sizeMib: number][] = [
    [{ imageFormat: "qcow2" }, 7],
    [{ imageFormat: "raw", imageCompress: "bz2" }, 7],
    [{ imageFormat: "raw", imageCompress: "tar.gz" }, 1024],
  ];
  for (const [format, sizeMib] of packed) {
    const name = imageFileName({ name: "a", ...format });
    it(`to ${name} says when the host's disk is full, and leaves no file`, async function () {
      if (!existsSync("/dev/full")) {
        console.log("      skipped: there is no /dev/full here");
        this.skip();
      }
      const out = join(folder, `full ${name}`);
      mkdirSync(out);
      symlinkSync("/dev/full", join(out, name));
      await rejectsWith(
        convertDisk(
          mbrDisk(join(folder, "some.raw"), sizeMib, parts),
          out,
          { name: "a", ...format },
          identity,
        ),
        { code: "disk-full", where: join(out, name) },
      );
      assert.deepEqual(readdirSync(out), []);
    });
  }

  it("notices what is not the disk that went in", async () => {
    const file = await convert({ imageFormat: "raw", imageCompress: "bz2" });
    const other = mbrDisk(join(folder, "other.raw"), 7, parts);
    flipByte(other, 5 * mib + 17);
    await assert.rejects(compareContent(other, unpack(file)), /differs between bytes \d+ and \d+/);
    await assert.rejects(
      compareByQemu(other, disk, "raw"),
      /not the original \(Content mismatch at offset 5242880!\)/,
    );
    const longer = mbrDisk(join(folder, "longer.raw"), 8, parts);
    await assert.rejects(
      compareContent(longer, unpack(file)),
      /the disk in it ends at byte 7340032 of 8388608/,
    );
    await assert.rejects(
      compareByQemu(longer, disk, "raw"),
      /QEMU reads a disk of 7340032 bytes from it, but the original has 8388608/,
    );
  });
});

describe("a VHD", () => {
  let folder: string;
  const made: Record<string, string> = {};
  before(async () => {
    folder = temporaryFolder();
    const disk = mbrDisk(join(folder, "disk.raw"), 7, parts);
    for (const kind of ["fixed", "dynamic"] as const) {
      made[kind] = join(folder, `${kind}.vhd`);
      const options = `subformat=${kind},force_size=on`;
      await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "vpc", "-o", options, disk, made[kind]]);
      identifyVhd(made[kind], identity);
    }
  });

  const damaged = (kind: string, at: number): string => {
    const file = join(folder, "damaged.vhd");
    copyFileSync(made[kind]!, file);
    flipByte(file, at < 0 ? statSync(file).size + at : at);
    return file;
  };

  const damages: [string, string, number, RegExp][] = [
    [
      "a time that does not fit the checksum",
      "fixed",
      -512 + 25,
      /its checksum of the footer is \d+, not \d+/,
    ],
    ["a reserved byte in use", "fixed", -1, /checksum of the footer/],
    ["no cookie at its end", "fixed", -512, /its cookie is ".onectix", not "conectix"/],
    ["a footer that its copy does not repeat", "dynamic", 70, /the copy of its footer differs/],
    ["a damaged header", "dynamic", 512 + 60, /its checksum of the header is/],
    ["a block beyond its end", "dynamic", 1536, /block 0 of its disk overlaps another, or is beyond/],
  ];
  for (const [what, kind, at, message] of damages) {
    it(`with ${what} is refused`, () => {
      assert.throws(() => readVhd(damaged(kind, at)), message);
    });
  }

  it("that ends early is refused", () => {
    const file = mbrDisk(join(folder, "short.vhd"), 0, []);
    assert.throws(() => readVhd(file), /it ends before byte/);
  });
});
