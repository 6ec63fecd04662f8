import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { TarFile } from "../../../src/builder/apk-archive.ts";
import {
  bootableKernel,
  digestsIn,
  dropDamaged,
  moduleEntries,
  stage0Entries,
} from "../../../src/builder/appliance.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const file = (
  name: string,
  content: string | Buffer = "",
  header: Partial<TarFile["header"]> = {},
): TarFile => ({
  header: { type: "file", mode: 0o644, ...header, name } as TarFile["header"],
  content: Buffer.from(content),
});

const root = "lib/modules/6.18.0-virt";
const kernelPackage = [
  file(
    `${root}/modules.dep`,
    [
      "kernel/fs/ext4/ext4.ko.gz: kernel/fs/jbd2/jbd2.ko.gz kernel/fs/mbcache.ko.gz kernel/lib/crc16.ko.gz",
      "kernel/fs/jbd2/jbd2.ko.gz: kernel/lib/crc16.ko.gz",
      "kernel/fs/mbcache.ko.gz:",
      "kernel/lib/crc16.ko.gz:",
      "kernel/fs/fat/vfat.ko: kernel/fs/fat/fat.ko",
      "kernel/fs/fat/fat.ko:",
      "kernel/unwanted.ko.gz:",
      "",
    ].join("\n"),
  ),
  file(`${root}/modules.builtin`, "kernel/drivers/virtio_blk.ko\n"),
  ...["fs/ext4/ext4", "fs/jbd2/jbd2", "fs/mbcache", "lib/crc16"].map((name) =>
    file(`${root}/kernel/${name}.ko.gz`, gzipSync(`code of ${name}`)),
  ),
  file(`${root}/kernel/fs/fat/vfat.ko`, "code of vfat"),
  file(`${root}/kernel/fs/fat/fat.ko`, "code of fat"),
];

describe("the modules of a build guest", () => {
  const loadingOrder = (wanted: string[]): string[] => {
    const order = moduleEntries(kernelPackage, wanted).find(({ path }) => path.endsWith("/order"));
    return Buffer.from(order?.content ?? [])
      .toString()
      .trimEnd()
      .split("\n");
  };

  it("are loaded after all that they need, each once", () => {
    assert.deepEqual(loadingOrder(["ext4", "vfat", "jbd2"]), [
      "crc16.ko",
      "mbcache.ko",
      "jbd2.ko",
      "ext4.ko",
      "fat.ko",
      "vfat.ko",
    ]);
  });

  it("are unpacked, and only those that are needed", () => {
    const entries = moduleEntries(kernelPackage, ["jbd2", "vfat"]).filter(({ kind }) => kind === "file");
    assert.deepEqual(
      entries.map(({ path, content }) => [path, Buffer.from(content ?? []).toString()]),
      [
        ["lib/appliance-modules/crc16.ko", "code of lib/crc16"],
        ["lib/appliance-modules/jbd2.ko", "code of fs/jbd2/jbd2"],
        ["lib/appliance-modules/fat.ko", "code of fat"],
        ["lib/appliance-modules/vfat.ko", "code of vfat"],
        ["lib/appliance-modules/order", "crc16.ko\njbd2.ko\nfat.ko\nvfat.ko\n"],
      ],
    );
  });

  it("may be built into the kernel", () =>
    assert.deepEqual(loadingOrder(["virtio_blk", "vfat"]), ["fat.ko", "vfat.ko"]));

  it("are missed by name", () => {
    assert.throws(() => moduleEntries(kernelPackage, ["btrfs"]), /no module btrfs/);
    const incomplete = kernelPackage.filter(({ header }) => !header.name.endsWith("crc16.ko.gz"));
    assert.throws(() => moduleEntries(incomplete, ["jbd2"]), /lacks kernel\/lib\/crc16/);
    assert.throws(() => moduleEntries([], ["jbd2"]), /no modules\.dep/);
  });
});

describe("the kernel of a build guest", () => {
  /** An EFI zboot image: `zimg` at 4, payload offset and size at 8 and 12. */
  const zboot = (payload: Buffer): Buffer => {
    const image = Buffer.concat([Buffer.alloc(64, 0xaa), payload, Buffer.from("after it")]);
    image.write("MZ\0\0zimg", 0, "latin1");
    image.writeUInt32LE(64, 8);
    image.writeUInt32LE(payload.length, 12);
    return image;
  };

  it("is taken out of its EFI wrapping on aarch64, for old QEMUs cannot", () => {
    const files = [file("boot/vmlinuz-virt", zboot(gzipSync("plain Image")))];
    assert.equal(bootableKernel(files, "aarch64").toString(), "plain Image");
  });

  it("is taken as it is otherwise", () => {
    assert.equal(bootableKernel([file("boot/vmlinuz-virt", "plain")], "aarch64").toString(), "plain");
    const wrapped = zboot(gzipSync("x"));
    assert.ok(bootableKernel([file("boot/vmlinuz-virt", wrapped)], "x86_64").equals(wrapped));
  });

  it("must be there", () => {
    assert.throws(() => bootableKernel([file("boot/config-virt")], "x86_64"), /no boot\/vmlinuz/);
  });
});

describe("the first appliance", () => {
  const paths = (files: TarFile[]) => stage0Entries(files).map(({ path, kind }) => `${kind} ${path}`);

  it("holds a package's files with their modes and links, without its control files", () => {
    const entries = stage0Entries([
      file(".PKGINFO"),
      file("bin/", "", { type: "directory", mode: 0o755 }),
      file("bin/busybox", "elf", { mode: 0o100755 }),
      file("bin/sh", "", { type: "symlink", linkname: "/bin/busybox" }),
    ]);
    assert.deepEqual(
      entries.map(({ path, kind, mode, content }) => [
        path,
        kind,
        mode,
        Buffer.from(content ?? []).toString(),
      ]),
      [
        ["bin", "directory", 0o755, ""],
        ["bin/busybox", "file", 0o755, "elf"],
        ["bin/sh", "symlink", 0o777, "/bin/busybox"],
      ],
    );
  });

  it("gets a shell where no package links one", () => {
    assert.deepEqual(paths([file("usr/lib/x")]).at(-1), "symlink bin/sh");
    assert.ok(paths([file("usr/lib/x")]).includes("directory bin"), "with the folder it is in");
  });
});

describe("an appliance that was kept", () => {
  const vouched = async (): Promise<string> => {
    const folder = temporaryFolder();
    for (const name of ["kernel", "modules.cpio", "stage0.cpio", "appliance.cpio", "lock"]) {
      writeFileSync(join(folder, name), name);
    }
    writeFileSync(join(folder, "digests.json"), JSON.stringify(await digestsIn(folder)));
    return folder;
  };

  it("is used again when all of it is what it was", async () => {
    const folder = await vouched();
    const before = readdirSync(folder);
    await dropDamaged(folder);
    assert.deepEqual(readdirSync(folder), before);
  });

  const faults: [string, (folder: string) => void][] = [
    ["a byte of it is another", (folder) => writeFileSync(join(folder, "appliance.cpio"), "appliance.cpiO")],
    ["a part of it is gone", (folder) => rmSync(join(folder, "kernel"))],
    ["whoever made it was killed before the end", (folder) => rmSync(join(folder, "digests.json"))],
  ];
  for (const [what, damage] of faults) {
    it(`is made again when ${what}`, async () => {
      const folder = await vouched();
      damage(folder);
      await dropDamaged(folder);
      assert.deepEqual(readdirSync(folder), ["lock"]);
    });
  }
});
