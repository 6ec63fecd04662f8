/**
 * Disks with random damage. Whatever it is, the reader tells facts or says what is wrong: never another error, and in
 * bounded time and memory.
 */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { cpioArchive } from "../../../../src/builder/cpio.ts";
import { readDisk } from "../../../../src/builder/disk-reader/disk-facts.ts";
import { diskFacts } from "../../../../src/builder/disk-reader/facts.ts";
import { initramfsEntries } from "../../../../src/builder/disk-reader/initramfs.ts";
import { withoutChecksums } from "../../../helpers/ext4.ts";
import { realDisk } from "../../../helpers/real-disk.ts";

const seed = 20_261_001;
const mostMilliseconds = 2000;
const mostMemory = 300 * 2 ** 20;

/** What is written where. Places are counted in lines of 16 bytes that are not blank. */
interface Damage {
  line: number;
  offset: number;
  bytes: Buffer;
}

const number =
  (bytes: 1 | 2 | 4) =>
  (value: number): Buffer => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value >>> 0);
    return buffer.subarray(0, bytes);
  };

const damages = fc.array(
  fc.record({
    line: fc.nat(),
    offset: fc.nat(15),
    bytes: fc.oneof(
      fc.integer({ min: 0, max: 255 }).map(number(1)),
      fc.constantFrom(0, 1, 0xff, 0xffff, 0x8000, 0x8001, 0xf30a).map(number(2)),
      // Numbers of blocks, inodes and clusters, and the ends of ranges.
      fc.integer({ min: 0, max: 1100 }).map(number(4)),
      fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff).map(number(4)),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Where a line that is not blank starts. */
function linesOf(bytes: Buffer): number[] {
  const blank = Buffer.alloc(16);
  return Array.from({ length: bytes.length / 16 }, (_, index) => index * 16).filter(
    (at) => !bytes.subarray(at, at + 16).equals(blank),
  );
}

function place(lines: readonly number[], { line, offset }: Damage): number {
  return lines[line % lines.length]! + offset;
}

/** How it went, or that it was refused. Any other error, and what takes long, fails the test. */
async function outcome(work: () => unknown): Promise<"read" | "refused"> {
  const begun = performance.now();
  let result: "read" | "refused" = "read";
  try {
    await work();
  } catch (error) {
    if ((error as Error).name !== "FormatError") throw error;
    assert.ok((error as Error).message.length < 10_000);
    result = "refused";
  }
  assert.ok(performance.now() - begun < mostMilliseconds, "it took too long");
  return result;
}

describe("a disk with random damage", function () {
  this.timeout(120_000);
  let memory: number;
  beforeEach(() => (memory = process.memoryUsage().rss));
  afterEach(() => assert.ok(process.memoryUsage().rss - memory < mostMemory, "it took too much memory"));

  for (const firmware of ["bios", "uefi"] as const) {
    it(`is read or refused, with the partitions of ${firmware}`, async () => {
      const disk = await realDisk(firmware, { features: withoutChecksums });
      const good = readFileSync(disk);
      // The sums of a GPT would hide all that is behind it.
      const lines = linesOf(good).filter((at) => firmware === "bios" || (at >= 2 ** 20 && at < 6 * 2 ** 20));
      const descriptor = openSync(disk, "r+");
      const counts = { read: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(damages, async (list) => {
          for (const damage of list) writeSync(descriptor, damage.bytes, 0, undefined, place(lines, damage));
          counts[
            await outcome(async () => diskFacts.parse(JSON.parse(JSON.stringify(await readDisk(disk)))))
          ] += 1;
          for (const damage of list) {
            const at = place(lines, damage);
            writeSync(descriptor, good, at, damage.bytes.length, at);
          }
        }),
        { seed, numRuns: 400 },
      );
      closeSync(descriptor);
      assert.ok(readFileSync(disk).equals(good));
      assert.ok(counts.read > 10 && counts.refused > 10, JSON.stringify(counts));
    });
  }
});

describe("an initramfs with random damage", function () {
  this.timeout(60_000);
  const entries = Array.from({ length: 20 }, (_, index) => ({
    path: `lib/${index}.ko`,
    mode: 0o644,
    kind: "file" as const,
    content: Buffer.alloc(index * 7, index),
  }));
  for (const [what, good] of Object.entries({
    "a plain archive": cpioArchive(entries),
    "a gzip file": gzipSync(cpioArchive(entries)),
    "a gzip file behind an archive": Buffer.concat([
      cpioArchive(entries.slice(0, 3)),
      gzipSync(cpioArchive(entries)),
    ]),
  })) {
    it(`is read or refused, as ${what}`, async () => {
      const counts = { read: 0, refused: 0 };
      const lines = linesOf(good.subarray(0, good.length - (good.length % 16)));
      await fc.assert(
        fc.asyncProperty(damages, fc.nat(), async (list, end) => {
          const packed = Buffer.from(good);
          for (const damage of list) damage.bytes.copy(packed, place(lines, damage));
          const cut = end % 4 === 0 ? packed.subarray(0, end % packed.length) : packed;
          counts[await outcome(() => [...initramfsEntries(cut)])] += 1;
        }),
        { seed, numRuns: 400 },
      );
      assert.ok(counts.refused > 50, JSON.stringify(counts));
    });
  }
});
