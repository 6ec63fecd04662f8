import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allChunks, chunksWithContent, isBlank } from "../../../../src/builder/formats/disk-content.ts";
import { rejectsWith } from "../../../helpers/errors.ts";
import { sparseDisk } from "../../../helpers/disk.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const kib = 1024;

describe("a disk's content", () => {
  let disk: string;
  let bytes: Buffer;
  before(() => {
    const content = {
      0: Buffer.from("A"),
      [300 * kib]: Buffer.alloc(40 * kib, "B"),
      [1000 * kib]: Buffer.alloc(1),
    };
    disk = sparseDisk(join(temporaryFolder(), "disk.raw"), 1025 * kib + 1, content);
    bytes = readFileSync(disk);
  });

  async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
    const collected: Item[] = [];
    for await (const item of items) collected.push(item);
    return collected;
  }

  const found: [chunkSize: number, indexes: number[]][] = [
    [20 * kib, [0, 15, 16]],
    [64 * kib, [0, 4, 5]],
    [1024 * kib, [0]],
    [4096 * kib, [0]],
  ];
  for (const [chunkSize, indexes] of found) {
    it(`is found in chunks of ${chunkSize / kib} KiB, each once, without blank ones`, async () => {
      const chunks = await collect(chunksWithContent(disk, chunkSize));
      assert.deepEqual(
        chunks,
        indexes.map((index) => ({
          index,
          bytes: bytes.subarray(index * chunkSize, (index + 1) * chunkSize),
        })),
      );
    });
  }

  it("is read whole, and blank chunks are the same buffer", async () => {
    const chunks = await collect(allChunks(disk, 64 * kib));
    assert.ok(Buffer.concat(chunks).equals(bytes));
    const blank = chunks.filter(isBlank);
    assert.equal(new Set(blank.slice(0, -1)).size, 1);
    assert.deepEqual([chunks.length, blank.length, blank.at(-1)!.length], [17, 14, kib + 1]);
  });

  it("ends where the disk does", async () => {
    const whole = sparseDisk(join(temporaryFolder(), "whole.raw"), 128 * kib, {});
    const chunks = await collect(allChunks(whole, 64 * kib));
    assert.deepEqual(
      chunks.map(({ length }) => length),
      [64 * kib, 64 * kib],
    );
    assert.deepEqual(await collect(allChunks(sparseDisk(whole, 0, {}), kib)), []);
  });

  it("cannot be read from what is no disk", async () => {
    const reading = collect(chunksWithContent(temporaryFolder(), kib));
    await rejectsWith(reading, { code: "tool-failed", where: "qemu-img map" });
  });
});
