import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import {
  ArchiveError,
  gzipMembers,
  readTar,
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
  it("are found wherever the one ends and the next begins", () => {
    // Stored and not compressed, so that their lengths are chosen: at each turn the end moves on by a byte.
    const stored = (length: number): Buffer => gzipSync(Buffer.alloc(length, "alpine"), { level: 0 });
    const overhead = stored(2 ** 18).length - 2 ** 18;
    const last = stored(100);
    for (let length = 2 ** 18 - overhead - 25; length < 2 ** 18 - overhead + 15; length += 1) {
      const members = [stored(length), stored(10), last];
      assert.deepEqual(gzipMembers(Buffer.concat(members)), members, `${length} bytes`);
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
      assert.equal((await refusal(verifyPackage(bytes, checksum))).code, "format");
    }
  });
});
