import assert from "node:assert/strict";
import { gunzipSync, inflateRawSync } from "node:zlib";
import { gzip } from "../../../../src/builder/formats/gzip.ts";
import { noise } from "../../../helpers/disk.ts";

async function pack(...chunks: Buffer[]): Promise<Buffer> {
  const packed: Buffer[] = [];
  for await (const part of gzip(chunks)) packed.push(part);
  return Buffer.concat(packed);
}

describe("gzip on all cores", () => {
  const blank = Buffer.alloc(100_000);
  const text = Buffer.from("Welcome to Alpine!\n".repeat(5000));
  const contents: Record<string, Buffer[]> = {
    nothing: [],
    "a byte": [Buffer.from("A")],
    "an empty chunk": [Buffer.alloc(0)],
    "the same chunk again and again": [text, blank, blank, blank, text, text, blank, blank],
    "incompressible chunks": Array.from({ length: 20 }, () => noise(70_000)),
    "chunks of many sizes": Array.from({ length: 50 }, (_, index) => text.subarray(index, index ** 3)),
  };
  for (const [what, chunks] of Object.entries(contents)) {
    it(`packs ${what} into a single stream`, async () => {
      const packed = await pack(...chunks);
      assert.ok(gunzipSync(packed).equals(Buffer.concat(chunks)));
      // Reads a single deflate stream, which must end where the checksum is.
      const { engine } = inflateRawSync(packed.subarray(10), { info: true }) as unknown as {
        engine: { bytesWritten: number };
      };
      assert.equal(engine.bytesWritten, packed.length - 10 - 8);
    });
  }

  it("finds in a chunk what was in the one before", async () => {
    const chunk = noise(30_000);
    const [once, twice] = [await pack(chunk), await pack(chunk, Buffer.from(chunk))];
    assert.ok(
      twice.length < once.length + 500,
      `${twice.length} bytes for twice the same, ${once.length} for once`,
    );
  });

  it("ends with an error of its source", async () => {
    const source = function* (): Generator<Buffer> {
      yield text;
      throw new Error("the disk is gone");
    };
    await assert.rejects(async () => {
      for await (const part of gzip(source())) assert.ok(part.length > 0);
    }, /the disk is gone/);
  });
});
