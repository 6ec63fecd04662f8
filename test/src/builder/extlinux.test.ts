/** The form of what is patched; test/e2e/extlinux.e2e.ts compares it with the real extlinux. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installExtlinux, loaderIn, patchLoader } from "../../../src/builder/extlinux.ts";
import { mbrDisk } from "../../helpers/disk.ts";
import { throwsError } from "../../helpers/errors.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const magic = 0x3eb202fe;
const length = 200 * 512;

/** Where an installer's fields are in `ldlinux`. */
const at = { area: 24, extended: 600, vectors: 640, path: 660, extents: 700 };

/** An ldlinux.sys as the extlinux program has it: patch areas, content, end of the compressed part, padding. */
function ldlinux(): Buffer {
  const image = Buffer.alloc(length);
  for (let index = 2048; index < length - 100; index++) image[index] = index ^ (index >> 8) ^ (index >> 16);
  image.write("\r\nSYSLINUX 6.04 \0", "latin1");
  image.writeUInt32LE(magic, at.area);
  image.writeUInt16LE(at.extended, at.area + 22);
  const fields = [at.vectors, at.path, 16, 0, 0, at.extents, 40, 0x168, 0x16e, 0];
  fields.forEach((field, index) => image.writeUInt16LE(field, at.extended + 2 * index));
  image[length - 100] = 0x11;
  return image;
}

function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  sector.write("\xeb\x58\x90SYSLINUX", "latin1");
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** A program that has these in its data, and the length of ldlinux.sys in a variable. */
function program(...data: readonly Buffer[]): Buffer {
  const size = Buffer.alloc(8);
  size.writeUInt32LE(length, 4);
  return Buffer.concat([Buffer.from("ELF SYSLINUX"), size, ...data, Buffer.alloc(2048)]);
}

const loader = () => loaderIn(program(bootSector(), ldlinux()))!;
const partition = { start: 2048, sectors: 0x20000 };
const run = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** The pieces that ldlinux.sys names: first sector and number of sectors of each. */
function piecesIn(file: Buffer): [number, number][] {
  const pieces: [number, number][] = [];
  for (let place = at.extents; file.readUInt16LE(place + 8) > 0; place += 10)
    pieces.push([Number(file.readBigUInt64LE(place)), file.readUInt16LE(place + 8)]);
  return pieces;
}

describe("the loader in an extlinux program", () => {
  it("is its boot sector, and ldlinux.sys with two empty vectors", () => {
    const found = loader();
    assert.deepEqual(found.bootSector, bootSector());
    assert.deepEqual(found.ldlinux.subarray(0, length), ldlinux());
    assert.equal(found.ldlinux.length, length + 1024);
    const vector = found.ldlinux.subarray(length, length + 512);
    assert.equal(vector.toString("hex"), `a52f2d5a671704a3${"00".repeat(500)}64bf28dd`);
    assert.deepEqual(found.ldlinux.subarray(length + 512), vector);
  });

  it("has the length that the program says, whatever follows it", () => {
    assert.equal(
      loaderIn(program(ldlinux(), Buffer.alloc(512, 7), bootSector()))!.ldlinux.length,
      length + 1024,
    );
  });

  for (const [what, data] of Object.entries({
    "no loader": [],
    "no boot sector": [ldlinux()],
    "no ldlinux.sys": [bootSector()],
    "two loaders": [bootSector(), ldlinux(), ldlinux()],
    "half of an ldlinux.sys": [bootSector(), ldlinux().subarray(0, 4096)],
  })) {
    it(`is not guessed where there is ${what}`, () => {
      assert.equal(loaderIn(program(...data)), undefined);
    });
  }
});

describe("a loader's sectors", () => {
  it("are in the boot sector and in ldlinux.sys, whose words add up to the magic number", () => {
    const { bootSector, ldlinux } = loader();
    patchLoader({ bootSector, ldlinux }, run(8000, 202), partition);
    assert.equal(bootSector.readUInt32LE(0x168), 8000);
    assert.deepEqual([bootSector.readUInt32LE(0x1c), bootSector.readUInt32LE(0x20)], [2048, 0x20000]);
    assert.equal(bootSector.readUInt16LE(0x13), 0, "more sectors than 16 bits can count");
    assert.deepEqual(
      [ldlinux.readUInt16LE(at.area + 8), ldlinux.readUInt32LE(at.area + 12)],
      [200, length / 4],
    );
    assert.deepEqual(
      [ldlinux.readBigUInt64LE(at.vectors), ldlinux.readBigUInt64LE(at.vectors + 8)],
      [8200n, 8201n],
    );
    assert.equal(ldlinux.subarray(at.path, at.path + 6).toString(), "/boot\0");
    let sum = 0;
    for (let place = 0; place < length; place += 4) sum = (sum + ldlinux.readUInt32LE(place)) >>> 0;
    assert.equal(sum, magic);
  });

  it("are in pieces of less than 64 KiB", () => {
    const { bootSector, ldlinux } = loader();
    patchLoader({ bootSector, ldlinux }, [...run(8000, 10), ...run(9000, 192)], partition);
    assert.deepEqual(piecesIn(ldlinux), [
      [8001, 9],
      [9000, 127],
      [9127, 63],
    ]);
  });

  it("are refused where there are too few, or too many pieces", () => {
    assert.throws(() => patchLoader(loader(), run(8000, 201), partition), /fewer sectors than content/);
    const scattered = run(0, 202).map((index) => 8000 + 2 * index);
    assert.throws(() => patchLoader(loader(), scattered, partition), /in 199 pieces: too many/);
  });

  it("are refused where the folder's name does not fit", () => {
    assert.throws(() => patchLoader(loader(), run(8000, 202), partition, "/boot/syslinux/x"), /is too long/);
  });
});

describe("a disk with SYSLINUX", () => {
  /** A disk with a root filesystem of these files in /boot. */
  function disk(boot: Record<string, Buffer>): string {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "tree/boot"), { recursive: true });
    for (const [name, content] of Object.entries(boot))
      writeFileSync(join(folder, "tree/boot", name), content);
    const root = join(folder, "root");
    const features = "^64bit,^metadata_csum_seed,^orphan_file,^has_journal";
    const options = ["-q", "-F", "-t", "ext4", "-b", "4096", "-O", features, "-d", join(folder, "tree")];
    const { status, stderr } = spawnSync("mke2fs", [...options, root, "2m"], {
      env: { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    const content = readFileSync(root);
    bootSector().copy(content);
    return mbrDisk(join(folder, "disk"), 4, [{ start: 1, length: 2, content }]);
  }
  const install = (file: string) => installExtlinux(file, "an image");

  it("has its loader patched where it is, and the same again when that is repeated", () => {
    const file = disk({ "ldlinux.sys": loader().ldlinux });
    const before = readFileSync(file);
    const blocks = run(0, Math.ceil(loader().ldlinux.length / 4096)).map((index) =>
      before.indexOf(loader().ldlinux.subarray(index * 4096, (index + 1) * 4096)),
    );
    install(file);
    const installed = readFileSync(file);

    const expected = loader();
    const sectors = blocks.flatMap((place) => run((place - 2 ** 20) / 512, 8));
    patchLoader(expected, sectors, { start: 2048, sectors: 4096 });
    const changed = Buffer.from(before);
    expected.bootSector.copy(changed, 2 ** 20);
    blocks.forEach((place, index) => expected.ldlinux.copy(changed, place, index * 4096, (index + 1) * 4096));
    assert.ok(installed.equals(changed));
    assert.ok(!installed.equals(before));
    install(file);
    assert.ok(readFileSync(file).equals(installed));
  });

  const ldlinuxWith = (zeroes: number): Buffer => loader().ldlinux.fill(0, 8192, 8192 + zeroes);
  for (const [fault, boot] of Object.entries({
    "there is no /boot/ldlinux.sys": {},
    "/boot/ldlinux.sys has a hole": { "ldlinux.sys": ldlinuxWith(8192) },
    "/boot/ldlinux.sys has 5000 bytes in 16 sectors": { "ldlinux.sys": Buffer.alloc(5000, 1) },
    "ldlinux.sys has no patch area": { "ldlinux.sys": Buffer.alloc(length, 1) },
  })) {
    it(`is left alone when ${fault}`, () => {
      const file = disk(boot);
      const before = readFileSync(file);
      throwsError(() => install(file), {
        code: "disk-check-failed",
        where: "an image",
        text: new RegExp(`the finished disk of an image cannot be made bootable: ${fault}\n`),
      });
      assert.ok(readFileSync(file).equals(before));
    });
  }
});
