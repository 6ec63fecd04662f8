/** The files are judged by the real qemu-img. */
import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { writeQcow2 } from "../../../../src/builder/formats/qcow2.ts";
import { clusterSize, Qcow2Tables } from "../../../../src/builder/formats/qcow2-tables.ts";
import { writeAt } from "../../../../src/builder/formats/write-at.ts";
import { type Content, noise, sparseDisk } from "../../../helpers/disk.ts";
import { runProgram } from "../../../helpers/processes.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const mib = 2 ** 20;
const gib = 2 ** 30;
/** Becomes about a tenth. */
const text = (length: number): Buffer => Buffer.alloc(length, noise(2000).toString("base64").repeat(5));

async function qemuImg(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram("qemu-img", args);
  assert.equal(code, 0, `qemu-img ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

describe("a qcow2 file", () => {
  let folder: string;
  before(() => {
    folder = temporaryFolder();
  });

  const disks: Record<string, [size: number, content: Content, allocated: number]> = {
    "of a disk without content": [5 * mib, {}, 0],
    "of a disk of no size": [0, {}, 0],
    "of a disk of a byte": [1, { 0: Buffer.from("A") }, 1],
    "of a disk with a byte at its end": [3 * mib, { [3 * mib - 1]: Buffer.from("A") }, 1],
    "of a disk that ends within a cluster": [mib + 1536, { 100: text(mib + 1436) }, 17],
    "of a disk that ends within an incompressible cluster": [mib + 512, { 0: noise(mib + 512) }, 17],
    "of incompressible content": [12 * mib, { [mib]: noise(10 * mib) }, 160],
    "of content that is compressible here and there": [
      8 * mib,
      Object.fromEntries(
        Array.from({ length: 120 }, (_, index) => [
          index * clusterSize,
          index % 7 < 3 ? noise(clusterSize) : text(clusterSize - index),
        ]),
      ),
      120,
    ],
    "of content exactly within clusters, tables and the disk": [
      1.5 * gib,
      {
        0: text(clusterSize),
        [gib / 2 - clusterSize]: text(2 * clusterSize),
        [gib - clusterSize]: noise(clusterSize),
        [gib]: noise(clusterSize),
        [1.5 * gib - clusterSize]: noise(clusterSize),
      },
      6,
    ],
    "of a large disk with a little content in some tables": [
      3 * gib + 512,
      { [5]: text(200_000), [1.25 * gib]: noise(200_000), [3 * gib]: text(512) },
      9,
    ],
  };
  for (const [what, [size, content, allocated]] of Object.entries(disks)) {
    it(`${what} is sound and has the disk`, async () => {
      const disk = sparseDisk(join(folder, "disk.raw"), size, content);
      const file = join(folder, "image.qcow2");
      await writeQcow2(disk, file);
      const check = await qemuImg("check", "-f", "qcow2", "--output=json", file);
      assert.equal((JSON.parse(check) as Record<string, unknown>)["allocated-clusters"] ?? 0, allocated);
      await qemuImg("compare", "-f", "raw", "-F", "qcow2", disk, file);
      const info = JSON.parse(await qemuImg("info", "-f", "qcow2", "--output=json", file)) as unknown;
      const { "virtual-size": virtualSize, "format-specific": specific } = info as Record<string, unknown>;
      assert.equal(virtualSize, Math.ceil(size / 512) * 512);
      assert.deepEqual((specific as { data: unknown }).data, {
        compat: "1.1",
        "compression-type": "zlib",
        "lazy-refcounts": false,
        "refcount-bits": 16,
        corrupt: false,
        "extended-l2": false,
      });
    });
  }

  it("is as small as qemu-img's", async () => {
    const [size, content] = disks["of content that is compressible here and there"]!;
    const disk = sparseDisk(join(folder, "disk.raw"), size, content);
    const [ours, theirs] = [join(folder, "ours.qcow2"), join(folder, "theirs.qcow2")];
    await writeQcow2(disk, ours);
    await qemuImg("convert", "-f", "raw", "-O", "qcow2", "-c", disk, theirs);
    const ratio = statSync(ours).size / statSync(theirs).size;
    assert.ok(ratio < 1.01, `it is ${ratio} times as large`);
  });

  it("is the same whether blank parts are holes or were written", async () => {
    const content = { [mib]: text(100_000), [4 * mib]: noise(70_000) };
    const sparse = sparseDisk(join(folder, "sparse.raw"), 6 * mib, content);
    const full = sparseDisk(join(folder, "full.raw"), 6 * mib, { 0: readFileSync(sparse) });
    assert.ok(statSync(full).blocks > statSync(sparse).blocks);
    await writeQcow2(sparse, join(folder, "sparse.qcow2"));
    await writeQcow2(full, join(folder, "full.qcow2"));
    assert.ok(readFileSync(join(folder, "sparse.qcow2")).equals(readFileSync(join(folder, "full.qcow2"))));
  });

  /** Converts in a process of its own. Returns the file's digest and the most memory that the process had, in bytes. */
  async function convertApart(disk: string, threads = 4): Promise<{ sha256: string; memory: number }> {
    const file = join(folder, "apart.qcow2");
    const script = `
      const { writeQcow2 } = await import(${JSON.stringify(import.meta.resolve("../../../../src/builder/formats/qcow2.ts"))});
      await writeQcow2(${JSON.stringify(disk)}, ${JSON.stringify(file)});
      console.log(process.resourceUsage().maxRSS * 1024);`;
    const { code, stdout, stderr } = await runProgram(
      process.execPath,
      ["--input-type=module", "-e", script],
      { env: { ...process.env, UV_THREADPOOL_SIZE: String(threads) } },
    );
    assert.equal(code, 0, stderr);
    return { sha256: createHash("sha256").update(readFileSync(file)).digest("hex"), memory: Number(stdout) };
  }

  /** Bytes that any machine packs like this, unless its Node has the system's zlib. */
  const known = "d75d9d9d972883ed26881f4d26218307d66bfd989f1f01f9ceb19dc436af6e31";

  it("has the same bytes with any number of threads, and on any machine", async function () {
    const [size, content] = disks["of content that is compressible here and there"]!;
    const disk = sparseDisk(join(folder, "disk.raw"), size, content);
    const digests = [];
    for (const threads of [1, 2, 8]) digests.push((await convertApart(disk, threads)).sha256);
    assert.equal(new Set(digests).size, 1);
    if (process.config.variables.node_shared_zlib) {
      console.log("      skipped: Node has the system's zlib here");
      this.skip();
    }
    assert.equal(digests[0], known);
  });

  it("takes little memory to write, however large the disk", async () => {
    const small = sparseDisk(join(folder, "disk.raw"), mib, { 0: text(mib) });
    const { memory: least } = await convertApart(small);
    const large = sparseDisk(join(folder, "large.raw"), 6 * gib, {});
    const descriptor = openSync(large, "r+");
    const content = Buffer.concat([noise(mib), text(7 * mib)]);
    for (let index = 0; index < 12; index += 1)
      writeSync(descriptor, content, 0, content.length, (index * gib) / 2);
    closeSync(descriptor);
    const { memory } = await convertApart(large);
    assert.ok(
      memory - least < 100 * mib,
      `it took ${memory / mib} MiB, and ${least / mib} MiB for a small disk`,
    );
    await qemuImg("compare", "-f", "raw", "-F", "qcow2", large, join(folder, "apart.qcow2"));
  });

  it("may have more than one block of refcounts", async () => {
    const clusters = 100_000;
    const tables = new Qcow2Tables(clusters * clusterSize);
    for (let index = 0; index < clusters; index += 1) {
      if (index % 2 === 0) tables.place(index);
      else tables.placeCompressed(index, 1 + ((index * 7919) % clusterSize));
    }
    const file = join(folder, "tables.qcow2");
    const descriptor = openSync(file, "w");
    for (const { position, bytes } of tables.parts()) writeAt(descriptor, position, bytes);
    ftruncateSync(descriptor, tables.fileSize);
    closeSync(descriptor);
    assert.ok(tables.fileSize > 4 * gib);
    const check = JSON.parse(await qemuImg("check", "-f", "qcow2", "--output=json", file)) as unknown;
    const { "allocated-clusters": allocated, "image-end-offset": end } = check as Record<string, unknown>;
    assert.deepEqual(
      { allocated, end },
      { allocated: clusters, end: Math.ceil(tables.fileSize / clusterSize) * clusterSize },
    );
  });
});
