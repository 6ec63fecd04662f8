import assert from "node:assert/strict";
import { join } from "node:path";
import { readPartitionTable } from "../../../src/builder/partition-table.ts";
import { flipByte, gptDisk, mbrDisk } from "../../helpers/disk.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const mib = 2 ** 20;
const parts = [
  { name: "EFI", start: 1, length: 1 },
  { name: "/", start: 2, length: 5 },
];

describe("a disk's partition table", () => {
  let disk: string;
  beforeEach(() => (disk = join(temporaryFolder(), "disk.raw")));

  it("is read from an MBR", () => {
    assert.deepEqual(readPartitionTable(mbrDisk(disk, 8, [{ start: 1, length: 7 }])), {
      kind: "MBR",
      partitions: [{ number: 1, name: "", start: mib, length: 7 * mib }],
    });
  });

  it("is read from a GPT, with names", () => {
    assert.deepEqual(readPartitionTable(gptDisk(disk, 8, parts)), {
      kind: "GPT",
      partitions: [
        { number: 1, name: "EFI", start: mib, length: mib },
        { number: 2, name: "/", start: 2 * mib, length: 5 * mib },
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
});
