import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { extract, type Header, pack } from "tar-stream";
import {
  gnuHeader,
  readGoogleArchive,
  writeGoogleArchive,
} from "../../../../src/builder/formats/google-archive.ts";
import { mbrDisk } from "../../../helpers/disk.ts";
import { runProgram } from "../../../helpers/processes.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const time = 1_790_000_000;

async function read(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readGoogleArchive(file)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("an archive for Google", () => {
  let folder: string;
  let disk: string;
  let archive: string;
  beforeEach(async () => {
    folder = temporaryFolder();
    disk = mbrDisk(join(folder, "disk.raw"), 3, [{ start: 1, length: 2, content: Buffer.from("Alpine") }]);
    archive = join(folder, "image.raw.tar.gz");
    await writeGoogleArchive(disk, archive, time);
  });

  it("is what GNU tar makes in its old format, to the last byte", async function () {
    const { stdout } = await runProgram("tar", ["--version"]);
    if (!stdout.includes("GNU tar")) {
      console.log("      skipped: tar is not GNU's here");
      this.skip();
    }
    const options = ["--format=oldgnu", "--owner=root:0", "--group=root:0", "--mode=644", `--mtime=@${time}`];
    const theirs = join(folder, "theirs.tar");
    const { code, stderr } = await runProgram("tar", [...options, "-C", folder, "-cf", theirs, "disk.raw"]);
    assert.equal(code, 0, stderr);
    assert.ok(gunzipSync(readFileSync(archive)).equals(readFileSync(theirs)));
    const listed = await runProgram("tar", ["--numeric-owner", "-tvzf", archive], {
      env: { ...process.env, TZ: "UTC" },
    });
    assert.match(listed.stdout, /^-rw-r--r-- 0\/0 +3145728 2026-09-21 14:13 disk\.raw\n$/);
  });

  it("is the same each time, and gzip's header has neither name nor time", async () => {
    const again = join(folder, "again.raw.tar.gz");
    await writeGoogleArchive(disk, again, time);
    assert.ok(readFileSync(archive).equals(readFileSync(again)));
    assert.equal(readFileSync(archive).toString("hex", 0, 8), "1f8b080000000000");
  });

  it("gives the disk back", async () => {
    assert.ok((await read(archive)).equals(readFileSync(disk)));
  });

  it("says sizes from 8 GiB on as GNU does", async () => {
    for (const size of [8 * 2 ** 30 - 1, 8 * 2 ** 30, 20 * 2 ** 40]) {
      const reader = extract();
      const header = new Promise<Header>((resolve) => reader.on("entry", resolve));
      reader.write(gnuHeader(size, time));
      assert.equal((await header).size, size);
      reader.destroy();
    }
  });

  /** An archive with these files, its headers in the format that the change leaves. */
  async function other(
    files: Record<string, string>,
    change = (tar: Buffer): Buffer => tar,
  ): Promise<string> {
    const packer = pack();
    for (const [name, content] of Object.entries(files)) packer.entry({ name }, content);
    packer.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of packer as AsyncIterable<Buffer>) chunks.push(chunk);
    const file = join(folder, "other.raw.tar.gz");
    writeFileSync(file, gzipSync(change(Buffer.concat(chunks))));
    return file;
  }

  it("is refused in another format, with another file, and without one", async () => {
    await assert.rejects(read(await other({ "disk.raw": "x" })), /its archive is not in GNU's format/);
    const gnu = gnuHeader(1, time);
    const named = (tar: Buffer): Buffer => Buffer.concat([gnu, Buffer.from("x".padEnd(512, "\0")), tar]);
    await assert.rejects(
      read(await other({ "note.txt": "y" }, named)),
      /must contain only the file disk\.raw, but has disk\.raw, note\.txt/,
    );
    const blank = (): Buffer =>
      Buffer.concat([Buffer.alloc(257), Buffer.from("ustar  \0"), Buffer.alloc(1024)]);
    await assert.rejects(read(await other({}, blank)), /its archive cannot be read/);
  });

  it("is refused when it is cut off or damaged", async () => {
    const whole = readFileSync(archive);
    writeFileSync(archive, whole.subarray(0, whole.length - 20));
    await assert.rejects(read(archive), /its archive cannot be read \(unexpected end of file\)/);
    const damaged = Buffer.from(whole);
    damaged[whole.length - 6]! ^= 0xff;
    writeFileSync(archive, damaged);
    await assert.rejects(read(archive), /its archive cannot be read \(incorrect data check\)/);
    writeFileSync(archive, gzipSync(gunzipSync(whole).subarray(0, 4096)));
    await assert.rejects(read(archive), /its archive cannot be read \(Unexpected end of data\)/);
  });
});
