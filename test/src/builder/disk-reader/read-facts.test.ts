/** The disk reader's process: what it may do, when it ends, and what is taken from it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  openSync,
  closeSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { readDisk } from "../../../../src/builder/disk-reader/disk-facts.ts";
import { diskFacts } from "../../../../src/builder/disk-reader/facts.ts";
import { readFacts } from "../../../../src/builder/disk-reader/read-facts.ts";
import type * as ReadFacts from "../../../../src/builder/disk-reader/read-facts.ts";
import { diskId, mbrDisk } from "../../../helpers/disk.ts";
import { rejectsWith } from "../../../helpers/errors.ts";
import { e2fsprogs, patch } from "../../../helpers/ext4.ts";
import { processesWith, waitUntil } from "../../../helpers/processes.ts";
import { projectCopy, projectRoot } from "../../../helpers/project-copy.ts";
import { realDisk } from "../../../helpers/real-disk.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const mib = 2 ** 20;
const cannotBeRead = (text: RegExp) => ({ code: "disk-check-failed", where: "my image", text }) as const;

describe("the disk reader", function () {
  this.timeout(30_000);

  it("tells what is on a disk for BIOS", async () => {
    const disk = await realDisk("bios");
    const facts = await readFacts(disk, "my image");
    assert.deepEqual(facts, diskFacts.parse(JSON.parse(JSON.stringify(await readDisk(disk)))));
    assert.equal(facts.size, 8 * mib);
    assert.equal(facts.table.id, diskId.toString(16));
    assert.deepEqual(
      facts.table.partitions.map(({ active, start, length }) => [active, start, length]),
      [[true, mib, 4 * mib]],
    );
    assert.equal(facts.efi, undefined);
    assert.equal(facts.filesystem.label, "/");
    assert.equal(facts.bootSector, "\0".repeat(8));
    assert.deepEqual(facts.writtenFreeBlocks, []);
    assert.ok(facts.paths.has("usr/bin/tool\u001b"));
    assert.deepEqual(facts.texts.get("etc/motd"), ["Welcome"]);
    assert.deepEqual([...facts.packages], [["musl", "1-r0"]]);
    assert.deepEqual([...facts.initramfsModules], ["lib/one.ko"]);
    assert.deepEqual([...facts.extents.keys()].sort(), ["boot/initramfs-virt", "boot/vmlinuz-virt"]);
  });

  it("tells what is on a disk for UEFI", async () => {
    const facts = await readFacts(await realDisk("uefi"), "my image");
    assert.deepEqual(
      facts.table.partitions.map(({ name, start }) => [name, start]),
      [
        ["EFI", mib],
        ["/", 2 * mib],
      ],
    );
    const { files, ...efi } = facts.efi!;
    assert.deepEqual(efi, { label: "EFI", rootLabel: "EFI", volumeId: "1a2b3c4d" });
    assert.deepEqual([...files.keys()], ["/EFI/boot/bootx64.efi"]);
    assert.ok(facts.paths.has("etc/motd"));
  });

  it("tells of free blocks that are not blank, to the last byte, and of nothing beside them", async () => {
    const disk = await realDisk("bios");
    const dumped = await e2fsprogs("dumpe2fs", `${disk}?offset=${mib}`);
    const runs = [...dumped.matchAll(/^ {2}Free blocks: (\d.*)$/gm)].flatMap(([, list]) => list!.split(", "));
    const [first, last] = runs.at(-1)!.split("-").map(Number) as [number, number];
    assert.ok(last > first + 300);
    const write = (at: number, text: string): void => {
      const descriptor = openSync(disk, "r+");
      writeSync(descriptor, text, mib + at);
      closeSync(descriptor);
    };
    // Behind the filesystem.
    write((last + 1) * 4096, "x");
    assert.deepEqual((await readFacts(disk, "my image")).writtenFreeBlocks, []);
    write(first * 4096, "x");
    write(last * 4096 + 4095, "x");
    const { writtenFreeBlocks } = await readFacts(disk, "my image");
    assert.equal(writtenFreeBlocks.length, 2);
    assert.deepEqual([writtenFreeBlocks[0]![0], writtenFreeBlocks[1]![1]], [first, last]);
  });

  it("says what is damaged, and where", async () => {
    const disk = join(temporaryFolder(), "disk.raw");
    for (const [made, text] of [
      [[{ start: 1, length: 8 }], /the partition table: partition 1 reaches beyond the disk's end\n/],
      [[{ start: 1, length: 7 }], /the root filesystem: it is no ext4 filesystem\n/],
      [[], /the partition table: it has no partitions\n/],
    ] as const) {
      mbrDisk(disk, 8, made);
      await rejectsWith(readFacts(disk, "my image"), cannotBeRead(text));
    }
    const uefi = await realDisk("uefi");
    const descriptor = openSync(uefi, "r+");
    writeSync(descriptor, "\0", mib + 510);
    closeSync(descriptor);
    const text = /^the finished disk of my image cannot be read: the EFI system partition: it is no FAT12 or/;
    await rejectsWith(readFacts(uefi, "my image"), cannotBeRead(text));
  });

  /** A disk with so much free space that reading it takes many seconds, but next to no room on this machine's disk. */
  async function endlessDisk(): Promise<string> {
    const gib = 100;
    const root = join(temporaryFolder(), "root.img");
    writeFileSync(root, "");
    truncateSync(root, gib * 1024 * mib);
    const features = "^64bit,^metadata_csum_seed,^orphan_file,^has_journal,^resize_inode";
    const options = ["-q", "-F", "-t", "ext4", "-b", "4096", "-N", "8192", "-O", features];
    await e2fsprogs(
      "mke2fs",
      ...options,
      "-E",
      "lazy_itable_init=1,nodiscard,offset=1048576",
      root,
      `${gib - 1}G`,
    );
    const table = mbrDisk(join(temporaryFolder(), "table"), 8, [{ start: 1, length: (gib - 1) * 1024 }]);
    patch(root, 0, readFileSync(table).subarray(0, 512));
    assert.ok(statSync(root).blocks * 512 < 200 * mib, "it is sparse");
    return root;
  }

  it("is ended when it takes too long", async () => {
    const disk = await endlessDisk();
    const begun = performance.now();
    const reading = readFacts(disk, "my image", { mostSeconds: 1 });
    await rejectsWith(reading, cannotBeRead(/cannot be read: it took longer than 1 s\n/));
    assert.ok(performance.now() - begun < 5000);
    await waitUntil("the reader has ended", () => processesWith(disk).length === 0);
  });

  it("ends with the process that started it, even if that is killed", async () => {
    const disk = await endlessDisk();
    const module = join(projectRoot, "src/builder/disk-reader/read-facts.ts");
    const script = `await (await import(${JSON.stringify(module)})).readFacts(process.env.DISK, "my image");`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, DISK: disk },
      stdio: "inherit",
    });
    await waitUntil("the reader runs", () => processesWith(disk).length === 1);
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await waitUntil("the reader has ended", () => processesWith(disk).length === 0, 3);
  });
});

describe("the process of the disk reader", function () {
  this.timeout(30_000);
  let disk: string;
  before(async () => (disk = await realDisk("bios")));

  /** Reads a disk in a copy of the project whose reader is this program. */
  async function readWith(program: string): Promise<unknown> {
    const copy = projectCopy();
    writeFileSync(join(copy.root, "src/builder/disk-reader/reader.ts"), program);
    const module = await copy.load<typeof ReadFacts>("src/builder/disk-reader/read-facts.ts");
    return await module.readFacts(disk, "my image");
  }

  it("may read the disk and nothing else, write nothing, and start nothing", async () => {
    const outside = join(temporaryFolder(), "outside");
    writeFileSync(outside, "secret");
    process.env["SECRET_OF_TESTS"] = "secret";
    const program = `
      import fs from "node:fs";
      import { spawnSync } from "node:child_process";
      import { Worker } from "node:worker_threads";
      const outside = ${JSON.stringify(outside)};
      const disk = process.argv[2];
      const tries = {
        "read the disk": () => fs.closeSync(fs.openSync(disk, "r")),
        "read a file": () => fs.readFileSync(outside),
        "read a folder": () => fs.readdirSync("/"),
        "write the disk": () => fs.openSync(disk, "r+"),
        "write a file": () => fs.writeFileSync(outside + ".new", ""),
        "write beside the disk": () => fs.writeFileSync(disk + ".new", ""),
        "write its source": () => fs.appendFileSync(import.meta.filename, ""),
        "start a program": () => { throw spawnSync("true").error ?? new Error("started"); },
        "start a worker": () => new Worker("", { eval: true }),
        "load native code": () => process.dlopen({ exports: {} }, disk),
      };
      const told = Object.entries(tries).map(([what, act]) => {
        try { act(); return what + ": done"; } catch (error) { return what + ": " + error.code; }
      });
      console.log(JSON.stringify({ fault: [...told, ...Object.keys(process.env)].join("; ") }));
      process.exit();
    `;
    const told = [
      "read the disk: done",
      "read a file: ERR_ACCESS_DENIED",
      "read a folder: ERR_ACCESS_DENIED",
      "write the disk: ERR_ACCESS_DENIED",
      "write a file: ERR_ACCESS_DENIED",
      "write beside the disk: ERR_ACCESS_DENIED",
      "write its source: ERR_ACCESS_DENIED",
      "start a program: ERR_ACCESS_DENIED",
      "start a worker: ERR_ACCESS_DENIED",
      "load native code: ERR_DLOPEN_DISABLED",
    ];
    try {
      await rejectsWith(readWith(program), cannotBeRead(new RegExp(`cannot be read: ${told.join("; ")}\n`)));
    } finally {
      delete process.env["SECRET_OF_TESTS"];
    }
    assert.ok(!existsSync(`${outside}.new`));
  });

  for (const [what, program, text] of [
    ["prints no JSON", "console.log('{'); process.exit();", /what the reader says of it is invalid:/],
    ["prints nothing", "process.exit();", /the reader ended with 0: \n/],
    [
      "prints half of it",
      `process.stdout.write('{"fault": "x"}', () => process.exit());`,
      /the reader ended with 0: \n/,
    ],
    [
      "prints other facts",
      `console.log('{"facts":{}}'); process.exit();`,
      /what the reader says of it is invalid:/,
    ],
    [
      "prints without end",
      "const more = () => process.stdout.write('x'.repeat(2 ** 20), more); more();",
      /there is too much on it/,
    ],
    ["fails", "throw new Error('a bug');", /the reader ended with 1: .*Error: a bug/],
    ["is killed", "process.kill(process.pid, 'SIGKILL');", /the reader ended with SIGKILL/],
    [
      "takes too much memory",
      "const all = []; for (;;) all.push(new Array(1e6).fill(all.length));",
      /the reader ended with SIG(ABRT|TRAP|ILL): .*heap/,
    ],
    [
      "prints what would control a terminal",
      `console.log(JSON.stringify({ fault: "\\u001b[2J" })); process.exit();`,
      /cannot be read: \\u\{1b\}\[2J\n/,
    ],
  ] as const) {
    it(`fails the check if it ${what}`, async () => await rejectsWith(readWith(program), cannotBeRead(text)));
  }
});
