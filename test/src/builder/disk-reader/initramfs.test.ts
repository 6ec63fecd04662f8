import assert from "node:assert/strict";
import { deflateRawSync, crc32, gzipSync } from "node:zlib";
import { type CpioEntry, cpioArchive } from "../../../../src/builder/cpio.ts";
import { initramfsEntries } from "../../../../src/builder/disk-reader/initramfs.ts";

const file = (path: string, content = "", kind: CpioEntry["kind"] = "file"): CpioEntry => ({
  path,
  mode: kind === "directory" ? 0o755 : 0o644,
  kind,
  content: Buffer.from(content),
});
const one = cpioArchive([
  file("lib", "", "directory"),
  file("lib/one.ko", "first"),
  file("link", "lib", "symlink"),
]);
const two = cpioArchive([file("./lib/two.ko", "second")]);
const pathsOf = (packed: Buffer): string[] => [...initramfsEntries(packed)].map(({ path }) => path);
const onePaths = ["lib", "lib/one.ko", "link"];

/** A gzip file with all optional fields of a header. */
function gzipWithFields(content: Buffer): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3]);
  const end = Buffer.alloc(8);
  end.writeUInt32LE(crc32(content));
  end.writeUInt32LE(content.length, 4);
  return Buffer.concat([
    header,
    Buffer.from("name\0comment\0\xaa\xbb", "latin1"),
    deflateRawSync(content),
    end,
  ]);
}

describe("an initramfs", () => {
  it("has files with modes and content, and links with targets", () => {
    const entries = [...initramfsEntries(gzipSync(one))];
    assert.deepEqual(
      entries.map(({ path, mode, content }) => [path, mode.toString(8), content.toString()]),
      [
        ["lib", "40755", ""],
        ["lib/one.ko", "100644", "first"],
        ["link", "120644", "lib"],
      ],
    );
  });

  for (const [what, packed] of Object.entries({
    "two archives, one after the other": Buffer.concat([one, two]),
    "two archives in one gzip file": gzipSync(Buffer.concat([one, two])),
    "two gzip files": Buffer.concat([gzipSync(one), gzipSync(two)]),
    "two gzip files with zeroes between them": Buffer.concat([
      gzipSync(one),
      Buffer.alloc(100),
      gzipSync(two),
    ]),
    "a plain archive, and a gzip file": Buffer.concat([one, Buffer.alloc(512), gzipSync(two)]),
    "a gzip file, and a plain archive where it ends": Buffer.concat([
      ...[gzipSync(one)].flatMap((gzip) => [gzip, Buffer.alloc((4 - (gzip.length % 4)) % 4)]),
      two,
    ]),
    "gzip files with all fields": Buffer.concat([gzipWithFields(one), gzipWithFields(two)]),
  })) {
    it(`may be ${what}`, () => assert.deepEqual(pathsOf(packed), [...onePaths, "lib/two.ko"]));
  }

  it("may be empty", () => assert.deepEqual(pathsOf(Buffer.alloc(0)), []));

  const damaged = (bytes: Buffer, change: (copy: Buffer) => void): Buffer => {
    const copy = Buffer.from(bytes);
    change(copy);
    return copy;
  };
  /** Writes a field of the first header. */
  const header = (field: number, value: string): Buffer =>
    damaged(one, (copy) => copy.write(value.padStart(8, "0"), 6 + field * 8));
  const gzip = gzipSync(one);
  for (const [what, packed, message] of [
    ["compressed by XZ", Buffer.from("fd377a585a000004", "hex"), /compressed by XZ at byte 0, which/],
    ["compressed by Zstandard", Buffer.from("28b52ffd0458", "hex"), /compressed by Zstandard at byte 0/],
    ["something else", Buffer.from("hello"), /neither a cpio archive nor a gzip file at byte 0/],
    [
      "something else behind an archive",
      Buffer.concat([one, Buffer.from("x")]),
      /nor a gzip file at byte 512/,
    ],
    [
      "something else that is compressed",
      gzipSync(Buffer.from("hello")),
      /no cpio archive at byte 0 of what/,
    ],
    ["compressed twice", gzipSync(gzip), /no cpio archive at byte 0 of what/],
    [
      "cut short in an archive",
      one.subarray(0, 150),
      /cpio entry at byte \d+ (has no header|reaches beyond)/,
    ],
    ["without an end", one.subarray(0, one.indexOf("070701", 300)), /cpio entry at byte \d+ has no header/],
    ["cut short in a gzip file", gzip.subarray(0, -9), /gzip file at byte 0 is damaged/],
    ["cut short in a gzip checksum", gzip.subarray(0, -1), /gzip file at byte 0 is damaged/],
    ["cut short in a gzip header", gzip.subarray(0, 3), /gzip file at byte 0 is damaged/],
    [
      "with a gzip name that does not end",
      Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0, 65]),
      /no end of its name/,
    ],
    [
      "a gzip file with another checksum",
      damaged(gzip, (copy) => copy.fill(0, copy.length - 8, copy.length - 4)),
      /wrong checksum/,
    ],
    [
      "a gzip file with another length",
      damaged(gzip, (copy) => copy.fill(0, copy.length - 4)),
      /wrong checksum/,
    ],
    [
      "a file that is too long",
      header(6, "ffffffff"),
      /cpio entry at byte 0 reaches beyond the archive's end/,
    ],
    [
      "a name that is too long",
      header(11, "ffffffff"),
      /cpio entry at byte 0 reaches beyond the archive's end/,
    ],
    ["a name that is empty", header(11, "1"), /cpio entry at byte 0 has an invalid name/],
    ["a name that does not end", header(11, "3"), /cpio entry at byte 0 has an invalid name/],
    ["a number that is none", header(6, "+0x1"), /cpio entry at byte 0 has no header/],
  ] as const) {
    it(`is refused if it is ${what}`, () =>
      assert.throws(
        () => pathsOf(packed),
        (error: Error) => {
          assert.equal(error.name, "FormatError", error.stack);
          assert.match(error.message, message);
          return true;
        },
      ));
  }

  it("is refused if it unpacks to more than 256 MiB, which take neither memory nor time", function () {
    this.timeout(20_000);
    const piece = deflateRawSync(Buffer.alloc(2 ** 20), { finishFlush: 2 });
    const begun = performance.now();
    const bomb = Buffer.concat([gzip.subarray(0, 10), ...Array.from({ length: 5000 }, () => piece)]);
    assert.ok(bomb.length < 10 * 2 ** 20);
    assert.throws(() => pathsOf(bomb), /^FormatError: it has more than 268435456 bytes when unpacked$/);
    // Each of these alone would fit.
    const large = gzipSync(Buffer.alloc(100 * 2 ** 20));
    assert.throws(() => pathsOf(Buffer.concat([large, large, large])), /^FormatError: it has more than/);
    assert.ok(performance.now() - begun < 15_000);
  });
});
