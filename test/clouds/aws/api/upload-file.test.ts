import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compositeChecksum, partSizeOf, readParts } from "../../../../clouds/aws/api/file-parts.ts";
import { inParallel } from "../../../../src/lib/parallel.ts";
import { resumable, uselessUploads } from "../../../../clouds/aws/api/upload-file.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const mib = 2 ** 20;
const sha256 = (bytes: Buffer | string): Buffer => createHash("sha256").update(bytes).digest();

describe("parts of a file", () => {
  it("are of 8 MiB, or of as many whole MiB as keep them under 10,000", () => {
    assert.equal(partSizeOf(0), 8 * mib);
    assert.equal(partSizeOf(80_000 * mib), 8 * mib);
    assert.equal(partSizeOf(80_000 * mib + 1), 9 * mib);
    assert.ok(Math.ceil((5 * 2 ** 40) / partSizeOf(5 * 2 ** 40)) <= 10_000);
  });

  it("come in order, with their checksums, and feed that of the whole", async () => {
    const content = Buffer.alloc(17 * mib, "some content");
    const file = join(temporaryFolder(), "image.vhd");
    writeFileSync(file, content);
    const whole = createHash("sha512");
    const parts: [number, number, string][] = [];
    for await (const { number, bytes, sha256, release } of readParts(file, content.length, whole)) {
      parts.push([number, bytes.length, sha256]);
      release();
    }
    const sums = [0, 8, 16].map((at) => sha256(content.subarray(at * mib, (at + 8) * mib)));
    assert.deepEqual(
      parts,
      sums.map((sum, index) => [index + 1, index < 2 ? 8 * mib : mib, sum.toString("base64")]),
    );
    assert.equal(whole.digest("hex"), createHash("sha512").update(content).digest("hex"));
    assert.equal(
      compositeChecksum(parts.map(([, , sum]) => sum)),
      sha256(Buffer.concat(sums)).toString("base64"),
    );
  });
});

describe("unfinished uploads", () => {
  const at = (hours: number): Date => new Date(Date.UTC(2026, 0, 1) + hours * 3_600_000);
  const upload = (Key: string, hours: number, ChecksumAlgorithm: "SHA256" | "CRC32" = "SHA256") => ({
    Key,
    UploadId: `${Key} ${hours}`,
    Initiated: at(hours),
    ChecksumAlgorithm,
  });

  it("are gone on with where they are of the same content: the newest that knows its parts' SHA-256", () => {
    const uploads = [upload("a", 1), upload("a", 3), upload("b", 4), upload("a", 5, "CRC32")];
    assert.equal(resumable(uploads, "a")?.UploadId, "a 3");
    assert.equal(resumable(uploads, "c"), undefined);
  });

  it("are ended where the object is whole, or nobody has gone on for a day", () => {
    const uploads = [upload("a", 29), upload("b", 5), upload("b", 7)];
    const ended = uselessUploads(uploads, "a", at(30).getTime());
    assert.deepEqual(
      ended.map(({ UploadId }) => UploadId),
      ["a 29", "b 5"],
    );
  });
});

describe("parallel work", () => {
  let taken: number;
  beforeEach(() => (taken = 0));
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* numbers(count: number): AsyncGenerator<number> {
    for (let number = 1; number <= count; number += 1) {
      taken = number;
      yield number;
    }
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("has no more items under way than workers", async () => {
    let [now, most, done] = [0, 0, 0];
    await inParallel(3, numbers(20), async () => {
      most = Math.max(most, (now += 1));
      await turn();
      now -= 1;
      done += 1;
    });
    assert.deepEqual([most, done], [3, 20]);
  });

  it("begins nothing new after a fault, ends what has begun, and throws the fault", async () => {
    const ended: number[] = [];
    const work = inParallel(3, numbers(100), async (number) => {
      await turn();
      if (number === 4) throw new Error("the fourth");
      await turn();
      ended.push(number);
    });
    await assert.rejects(work, { message: "the fourth" });
    assert.ok(taken < 12, `${taken} were taken`);
    assert.deepEqual(
      ended.sort((a, b) => a - b),
      Array.from({ length: taken }, (_, index) => index + 1).filter((number) => number !== 4),
    );
  });
});
