import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { type Partition, readPartitionTable } from "../../../src/builder/partition-table.ts";
import { flipByte, gptDisk, mbrDisk } from "../../helpers/disk.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const mib = 2 ** 20;
const last = 8 * 2048 - 1;
const parts = [
  { name: "EFI", start: 1, length: 1, efi: true },
  { name: "/", start: 2, length: 5 },
];

/** Writes numbers of 32 bits. */
function patch(disk: string, numbers: Record<number, number>): void {
  const descriptor = openSync(disk, "r+");
  for (const [at, number] of Object.entries(numbers)) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(number >>> 0);
    writeSync(descriptor, bytes, 0, 4, Number(at));
  }
  closeSync(descriptor);
}

/** Changes both copies of a GPT: numbers in headers by offset, and in entries; with right checksums. */
function patchGpt(
  disk: string,
  headerNumbers: Record<number, number>,
  entryNumbers: Record<number, number> = {},
): void {
  for (const [header, entries] of [
    [1, 2],
    [last, last - 32],
  ] as const) {
    const numbers = Object.entries(entryNumbers).map(([at, number]) => [entries * 512 + Number(at), number]);
    patch(disk, Object.fromEntries(numbers) as Record<number, number>);
    const bytes = readFileSync(disk);
    const at = header * 512;
    for (const [offset, number] of Object.entries(headerNumbers))
      bytes.writeUInt32LE(number, at + Number(offset));
    bytes.writeUInt32LE(crc32(bytes.subarray(entries * 512, entries * 512 + 128 * 128)), at + 88);
    bytes.writeUInt32LE(0, at + 16);
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + 92)), at + 16);
    writeFileSync(disk, bytes);
  }
}

describe("a disk's partition table", () => {
  let disk: string;
  beforeEach(() => (disk = join(temporaryFolder(), "disk.raw")));

  it("is read from an MBR", () => {
    const [first, second] = [
      { start: 1, length: 2, type: 0x82 },
      { start: 3, length: 5, active: true },
    ];
    assert.deepEqual(readPartitionTable(mbrDisk(disk, 8, [first, second])), {
      kind: "MBR",
      id: "12345678",
      usableEnd: 8 * mib,
      partitions: [
        { number: 1, type: "82", id: "", name: "", active: false, start: mib, length: 2 * mib },
        { number: 2, type: "83", id: "", name: "", active: true, start: 3 * mib, length: 5 * mib },
      ],
    });
  });

  it("is read from a GPT, with names and GUIDs", () => {
    gptDisk(disk, 8, parts);
    patchGpt(disk, { 56: 0x33221100, 60: 0x77665544, 64: 0xbbaa9988, 68: 0xffeeddcc });
    const common = { active: false } satisfies Partial<Partition>;
    assert.deepEqual(readPartitionTable(disk), {
      kind: "GPT",
      id: "33221100-5544-7766-8899-aabbccddeeff",
      usableEnd: 8 * mib - 33 * 512,
      partitions: [
        {
          ...common,
          number: 1,
          type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
          id: "01010101-0101-0101-0101-010101010101",
          name: "EFI",
          start: mib,
          length: mib,
        },
        {
          ...common,
          number: 2,
          type: "02020202-0202-0202-0202-020202020202",
          id: "02020202-0202-0202-0202-020202020202",
          name: "/",
          start: 2 * mib,
          length: 5 * mib,
        },
      ],
    });
  });

  it("is missed where there is none", () => {
    mbrDisk(disk, 8, []);
    flipByte(disk, 510);
    assert.throws(() => readPartitionTable(disk), /^FormatError: the disk has no partition table$/);
  });

  it("must fit the disk", () => {
    mbrDisk(disk, 8, [{ start: 1, length: 8 }]);
    assert.throws(() => readPartitionTable(disk), /partition 1 reaches beyond the disk's end/);
  });

  it("has its second copy at the disk's real end: one that grew around its GPT is refused", () => {
    gptDisk(disk, 16, parts, 8);
    assert.throws(
      () => readPartitionTable(disk),
      /the GPT in sector 1 says that the copies are in 1 and 16383/,
    );
  });

  const damages: [string, number, RegExp][] = [
    ["first header", 512 + 40, /GPT in sector 1 has a wrong checksum/],
    ["first entries", 1024 + 56, /GPT in sector 1 has entries that do not match/],
    ["second header", 8 * mib - 512 + 40, /GPT in sector 16383 has a wrong checksum/],
    ["second entries", 8 * mib - 33 * 512 + 56, /GPT in sector 16383 has entries that do not match/],
    ["second signature", 8 * mib - 512, /GPT in sector 16383 is missing/],
  ];
  for (const [where, at, message] of damages) {
    it(`is refused with one wrong byte in its ${where}`, () => {
      gptDisk(disk, 8, parts);
      flipByte(disk, at);
      assert.throws(() => readPartitionTable(disk), message);
    });
  }

  const mbrFaults: [string, Record<number, number>, RegExp][] = [
    ["that overlap", { [446 + 16 + 8]: 4096 }, /partitions 1 and 2 overlap/],
    ["in the table itself", { [446 + 8]: 0 }, /partition 1 starts in the table itself/],
    ["without a sector", { [446 + 12]: 0 }, /partition 1 ends before it starts/],
    ["far beyond the end", { [446 + 12]: -1 }, /partition 1 reaches beyond the disk's end/],
    ["that contain others", { [446 + 4]: 0x0f }, /partition 1 is an extended one/],
    ["with an unknown status", { 446: 1 }, /partition 1 has the status 01/],
  ];
  for (const [what, numbers, message] of mbrFaults) {
    it(`of an MBR has no partitions ${what}`, () => {
      mbrDisk(disk, 8, [
        { start: 1, length: 2 },
        { start: 3, length: 5 },
      ]);
      patch(disk, numbers);
      assert.throws(() => readPartitionTable(disk), message);
    });
  }

  const gptFaults: [string, Record<number, number>, Record<number, number>, RegExp][] = [
    ["partitions that overlap", {}, { [128 + 32]: 4095 }, /partitions 1 and 2 overlap/],
    ["partitions that end before they start", {}, { 40: 2046 }, /partition 1 ends before it starts/],
    ["partitions in its second copy", {}, { [128 + 40]: last - 32 }, /partition 2 is outside of the space/],
    ["partitions in its first copy", {}, { 32: 33 }, /partition 1 is outside of the space/],
    ["partitions far beyond the end", {}, { 44: -1 }, /partition 1 is outside of the space/],
    ["two partitions with one GUID", {}, guidOf(1), /two partitions have the same GUID/],
    ["space for partitions in its first copy", { 40: 33 }, {}, /GPT itself is in the space/],
    ["space for partitions in its second copy", { 48: last - 32 }, {}, /GPT itself is in the space/],
    ["more entries than tools make", { 80: 0xffffffff }, {}, /does not have 128 entries of 128 bytes/],
    ["larger entries than tools make", { 84: 0xffffffff }, {}, /does not have 128 entries of 128 bytes/],
    ["entries elsewhere", { 72: 4 }, {}, /has its entries in sector 4, not beside it/],
    ["entries far away", { 76: 0xffffffff }, {}, /has its entries in sector \d+, not beside it/],
    ["a header of another size", { 12: 512 }, {}, /has a wrong checksum/],
  ];
  /** The GUID of the second partition, made of one byte. */
  function guidOf(byte: number): Record<number, number> {
    return Object.fromEntries([0, 4, 8, 12].map((at) => [128 + 16 + at, byte * 0x01010101]));
  }
  for (const [what, header, entries, message] of gptFaults) {
    it(`of a GPT has no ${what}, whatever its checksums say`, () => {
      gptDisk(disk, 8, parts);
      patchGpt(disk, header, entries);
      assert.throws(() => readPartitionTable(disk), message);
    });
  }

  it("has two copies of a GPT that agree", () => {
    gptDisk(disk, 8, parts);
    const first = readFileSync(disk).subarray(512, 34 * 512);
    patchGpt(disk, { 56: 1 });
    const descriptor = openSync(disk, "r+");
    writeSync(descriptor, first, 0, first.length, 512);
    closeSync(descriptor);
    assert.throws(() => readPartitionTable(disk), /the two copies of the GPT are different/);
  });

  it("of a GPT has an MBR before it that protects it, and nothing else", () => {
    for (const numbers of [
      { [446 + 8]: 2 },
      { [446 + 16 + 4]: 0x83 },
      { [446 + 4]: 0x83, [446 + 16 + 4]: 0xee },
    ]) {
      gptDisk(disk, 8, parts);
      patch(disk, numbers);
      assert.throws(() => readPartitionTable(disk), /the MBR before the GPT does not protect it/);
    }
  });

  it("is on a disk of whole sectors", () => {
    mbrDisk(disk, 8, []);
    truncateSync(disk, 8 * mib - 1);
    assert.throws(() => readPartitionTable(disk), /ends within a sector/);
    truncateSync(disk, 0);
    assert.throws(() => readPartitionTable(disk), /^FormatError: it ends before byte 512$/);
  });
});
