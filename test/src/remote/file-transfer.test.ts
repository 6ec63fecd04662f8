import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { receiveFiles, sendFiles, takeFailure, writeFailure } from "../../../src/remote/file-transfer.ts";
import { flipped } from "../../helpers/repository.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const image = Buffer.alloc(300_000, "image ");
const sha512 = createHash("sha512").update(image).digest("hex");

/** A parcel of an image and a log, as bytes. */
async function parcel(): Promise<Buffer> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.qcow2"), image);
  writeFileSync(join(folder, "a.log"), "");
  const output = new PassThrough();
  const bytes = buffer(output);
  await sendFiles(folder, ["a.log", "a.qcow2"], output);
  output.end();
  return bytes;
}

async function archiveOf(files: Record<string, string>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return buffer(archive);
}

describe("a parcel from a builder", () => {
  it("brings files whole, and ends with the last one while the line stays open", async () => {
    const line = new PassThrough();
    const folder = temporaryFolder();
    const received = receiveFiles(line, folder);
    line.write(await parcel());
    assert.equal((await received).get("a.qcow2"), sha512);
    assert.ok(readFileSync(join(folder, "a.qcow2")).equals(image));
    assert.deepEqual(readdirSync(folder).sort(), ["a.log", "a.qcow2"]);
  });

  it("is refused when it is damaged, cut off, or not what was announced", async () => {
    const bytes = await parcel();
    const receive = (sent: Buffer): Promise<unknown> =>
      receiveFiles(Readable.from([sent]), temporaryFolder());
    await assert.rejects(receive(flipped(bytes, 100_000)), /^Error: a\.qcow2 is damaged$/);
    await assert.rejects(receive(bytes.subarray(0, 200_000)), /Unexpected end|Premature|end of data/i);
    const missing = await archiveOf({ SHA512SUMS: `${sha512}  a.qcow2\n` });
    await assert.rejects(receive(missing), /^Error: a\.qcow2 is missing$/);
    const surplus = await archiveOf({ SHA512SUMS: `${sha512}  a.qcow2\n`, b: "" });
    await assert.rejects(receive(surplus), /^Error: b is not listed in SHA512SUMS$/);
    await assert.rejects(receive(await archiveOf({ b: "" })), /^Error: the first file is b, not SHA512SUMS$/);
  });

  it("writes nothing outside of its folder", async () => {
    for (const name of ["../a", "/etc/a", "..", "a/b"]) {
      const bytes = await archiveOf({ SHA512SUMS: `${sha512}  ${name}\n`, [name]: "" });
      await assert.rejects(
        receiveFiles(Readable.from([bytes]), temporaryFolder()),
        /is not a valid line of SHA512SUMS/,
      );
    }
  });

  it("says why a build failed", () => {
    const folder = temporaryFolder();
    const failure = {
      code: "internal" as const,
      what: "it failed",
      hint: "see /there/log",
      folder: "/there",
    };
    const received = new Map([
      [writeFailure(folder, failure), ""],
      ["a.log", ""],
    ]);
    assert.deepEqual(takeFailure(folder, received), failure);
    assert.deepEqual([...received.keys()], ["a.log"]);
    assert.equal(takeFailure(folder, received), undefined);
  });
});
