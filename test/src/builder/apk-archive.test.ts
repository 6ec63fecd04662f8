import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import {
  ArchiveError,
  readTar,
  splitMembers,
  verifyPackage,
  verifySignature,
} from "../../../src/builder/apk-archive.ts";
import { readIndex } from "../../../src/builder/apk-index.ts";
import type { WrittenPackage } from "../../../offline-kit/mirror/apk-package.ts";
import {
  checksumOf,
  flipped,
  memberOffsets,
  testIndex,
  testPackage,
  throwawayKey,
  trusting,
} from "../../helpers/repository.ts";

const key = throwawayKey();
const keys = trusting(key);

/** The code and message of what a promise is rejected with. */
async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ArchiveError, String(error));
    return { code: error.code, message: error.message };
  }
  throw new assert.AssertionError({ message: "it was accepted" });
}

describe("an archive's members", () => {
  // Stored and not compressed, so that their lengths are chosen.
  const stored = (length: number): Buffer => gzipSync(Buffer.alloc(length, "alpine"), { level: 0 });

  it("are found wherever the one ends and the next begins, and what follows is left as it is", () => {
    for (const length of [0, 1, 100, 2 ** 15 - 1, 2 ** 16, 2 ** 18 + 5]) {
      const [first, second, rest] = [stored(length), gzipSync(Buffer.alloc(length)), Buffer.from("anything")];
      const archive = Buffer.concat([first, second, rest]);
      assert.deepEqual(splitMembers(archive, 2), [first, second, rest], `${length} bytes`);
      assert.deepEqual(splitMembers(archive, 1), [first, Buffer.concat([second, rest])]);
      assert.deepEqual(splitMembers(first, 2), [first]);
    }
  });

  it("may have a name, a comment, further fields and a checksum of their own", () => {
    const plain = gzipSync("content");
    for (const [flags, fields] of [
      [8, "name\0"],
      [16, "comment\0"],
      [4, "\x03\0abc"],
      [2, "xx"],
      [30, "\x01\0anameName\0comment\0xx"],
    ] as const) {
      const header = Buffer.from(plain.subarray(0, 10));
      header[3] = flags;
      const member = Buffer.concat([header, Buffer.from(fields, "latin1"), plain.subarray(10)]);
      assert.deepEqual(splitMembers(Buffer.concat([member, stored(3)]), 1), [member, stored(3)], fields);
    }
  });

  it("are refused if they are damaged, or unpack to more than any signature", () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 24 + 1));
    const cut = gzipSync("content").subarray(0, 14);
    const nameless = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0, 0x61]);
    for (const archive of [bomb, cut, nameless, Buffer.alloc(0), Buffer.from("text")]) {
      assert.throws(() => splitMembers(archive, 1), ArchiveError);
    }
  });
});

describe("a signed index", () => {
  let written: WrittenPackage;
  let index: Buffer;
  before(async () => {
    written = await testPackage({ name: "good", depends: ["other>=1"], provides: ["cmd:good=1"] }, key);
    index = await testIndex([written], key);
  });

  it("is read when a trusted key signed it", async () => {
    const [entry, ...more] = await readIndex(index, keys);
    assert.equal(more.length, 0);
    assert.deepEqual(entry, {
      name: "good",
      version: "1.0-r0",
      arch: "x86_64",
      size: written.bytes.length,
      checksum: checksumOf(written),
      depends: ["other>=1"],
      provides: ["cmd:good"],
      buildTime: 1_700_000_000,
    });
  });

  it("is refused with any one byte of its content flipped", async () => {
    const content = memberOffsets(index)[1]!;
    for (let offset = content; offset < index.length; offset += 1) {
      const { code } = await refusal(readIndex(flipped(index, offset), keys));
      assert.match(code, /^(signature|format)$/, `byte ${offset}`);
    }
  });

  it("is refused when bytes follow it", async () => {
    const { code } = await refusal(readIndex(Buffer.concat([index, Buffer.alloc(7)]), keys));
    assert.match(code, /^(signature|format)$/);
    assert.equal((await refusal(readIndex(Buffer.concat([index, index]), keys))).code, "signature");
  });

  it("is refused when cut off", async () => {
    for (const length of [0, 1, 2, 100, index.length - 1]) {
      const { code } = await refusal(readIndex(index.subarray(0, length), keys));
      assert.match(code, /^(format|signature|unsigned)$/, `${length} bytes`);
    }
  });

  it("names the key that is not trusted", async () => {
    const { code, message } = await refusal(
      readIndex(await testIndex([written], throwawayKey("stranger.rsa.pub")), keys),
    );
    assert.equal(code, "unknown-key");
    assert.match(message, /signed with stranger\.rsa\.pub, which is not a trusted key/);
  });

  it("is refused when a key of a trusted name is another key", async () => {
    assert.equal(
      (await refusal(readIndex(await testIndex([written], throwawayKey()), keys))).code,
      "signature",
    );
  });

  it("is refused unsigned", async () => {
    const unsigned = index.subarray(memberOffsets(index)[1]);
    assert.equal((await refusal(readIndex(unsigned, keys))).code, "unsigned");
  });

  it("is refused in apk v3's format, by its name", async () => {
    for (const start of ["ADB.", "ADBd", "ADBc"]) {
      const { code, message } = await refusal(readIndex(Buffer.from(`${start}\0\0\0\0`), keys));
      assert.equal(code, "format");
      assert.match(message, /apk v3/);
    }
  });

  it("is refused when it is no gzip file at all", async () => {
    const { code, message } = await refusal(readIndex(Buffer.from("<html>not found</html>"), keys));
    assert.equal(code, "format");
    assert.match(message, /not a gzip file/);
  });

  it("says which key vouches for it", async () => {
    const offsets = memberOffsets(index);
    const members = [index.subarray(0, offsets[1]), index.subarray(offsets[1])];
    assert.equal(await verifySignature(members, keys), key.name);
  });
});

describe("a package", () => {
  let written: WrittenPackage;
  before(async () => {
    written = await testPackage({ name: "good", files: { "usr/bin/good": "#!/bin/sh\n" } }, key);
  });

  it("gives its files when it is what the index says", async () => {
    const data = await verifyPackage(written.bytes, checksumOf(written));
    const file = (await readTar(data)).find(({ header }) => header.name === "usr/bin/good");
    assert.equal(file?.content.toString(), "#!/bin/sh\n");
  });

  it("is refused with any one byte of its control part flipped", async () => {
    const [, control, data] = memberOffsets(written.bytes);
    for (let offset = control!; offset < data!; offset += 1) {
      const { code } = await refusal(verifyPackage(flipped(written.bytes, offset), checksumOf(written)));
      assert.match(code, /^(checksum|format)$/, `byte ${offset}`);
    }
  });

  it("is refused with any one byte of its data part flipped", async () => {
    for (let offset = memberOffsets(written.bytes)[2]!; offset < written.bytes.length; offset += 1) {
      const { code } = await refusal(verifyPackage(flipped(written.bytes, offset), checksumOf(written)));
      assert.match(code, /^(checksum|format)$/, `byte ${offset}`);
    }
  });

  it("is refused when it is another, well-made package", async () => {
    const other = await testPackage({ name: "good", version: "1.0-r1" }, key);
    const { code, message } = await refusal(verifyPackage(other.bytes, checksumOf(written)));
    assert.equal(code, "checksum");
    assert.ok(message.includes(checksumOf(other)) && message.includes(checksumOf(written)));
  });

  it("is refused with the data of another package under its own control part", async () => {
    const other = await testPackage({ name: "evil", files: { "usr/bin/good": "evil" } }, key);
    const own = written.bytes.subarray(0, memberOffsets(written.bytes)[2]);
    const mixed = Buffer.concat([own, other.bytes.subarray(memberOffsets(other.bytes)[2])]);
    const { code, message } = await refusal(verifyPackage(mixed, checksumOf(written)));
    assert.equal(code, "checksum");
    assert.match(message, /its files have the hash/);
  });

  it("is refused with a part missing or too many", async () => {
    const checksum = checksumOf(written);
    const offsets = memberOffsets(written.bytes);
    for (const bytes of [
      written.bytes.subarray(offsets[1]),
      written.bytes.subarray(0, offsets[2]),
      Buffer.concat([written.bytes, written.bytes.subarray(offsets[2])]),
    ]) {
      assert.match((await refusal(verifyPackage(bytes, checksum))).code, /^(format|checksum)$/);
    }
  });
});
