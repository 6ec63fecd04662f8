import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, symlinkSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { cpioArchive } from "../../../../src/builder/cpio.ts";
import { treeFacts } from "../../../../src/builder/disk-reader/tree-facts.ts";
import { ext4Image, openExt4 } from "../../../helpers/ext4.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const database = `C:Q1
P:alpine-keys
V:2.6-r0
D:busybox musl
F:etc
F:etc/apk/keys
R:alpine.rsa.pub
Z:Q1
F:usr/share/apk/keys
R:alpine.rsa.pub

P:doas
V:6.8.2-r1
F:usr/bin
M:0:0:755
R:doas
a:0:0:4755
R:doasedit
a:0:0:755
F:var/tmp
M:0:0:1777
`;

/** The facts of a filesystem with these files: path → content, or the target of a link after an arrow. */
async function factsOf(
  files: Record<string, string | Buffer>,
  prepare: (tree: string) => void = () => {},
): ReturnType<typeof treeFacts> {
  const tree = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    const file = join(tree, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === "string" && content.startsWith("→")) symlinkSync(content.slice(1), file);
    else writeFileSync(file, content);
  }
  prepare(tree);
  return await treeFacts(openExt4(await ext4Image({ tree, mib: 8 })));
}

describe("the facts of a root filesystem", function () {
  this.timeout(20_000);

  it("have every path, with what it is", async () => {
    const { paths } = await factsOf({ "etc/motd": "Hello", "a b/c:d": "", "etc/link": "→motd" });
    const kinds = new Map(
      paths.map(([path, { kind, size }]) => [path, kind === "folder" ? kind : `${kind} ${size}`]),
    );
    kinds.delete("lost+found");
    assert.deepEqual(
      new Map([...kinds].sort()),
      new Map([
        [".", "folder"],
        ["a b", "folder"],
        ["a b/c:d", "file 0"],
        ["etc", "folder"],
        ["etc/link", "link 4"],
        ["etc/motd", "file 5"],
      ]),
    );
  });

  it("have where the runlevels' links lead", async () => {
    const { links } = await factsOf({
      "etc/runlevels/boot/sshd": "→/etc/init.d/sshd",
      "etc/runlevels/boot/x": "",
      "etc/other": "→/etc/init.d/sshd",
    });
    assert.deepEqual(links, [["etc/runlevels/boot/sshd", "/etc/init.d/sshd"]]);
  });

  it("have every line of configuration, blank ones and last ones too", async () => {
    const { texts } = await factsOf({
      "etc/motd": "Hello:\n\n  world",
      "etc/hostname": "",
      "etc/doas.d/wheel.conf": "permit nopass :wheel\n",
      "etc/doas.d/.more.conf": "# nothing\r\n",
      "etc/mkinitfs/features.d/ext4.modules": "kernel/fs/ext4\n",
      "etc/mkinitfs/features.d/ext4.files": "/sbin/fsck\n",
      "etc/other": "not looked into\n",
    });
    assert.deepEqual(
      new Map([...texts].sort()),
      new Map([
        ["etc/doas.d/.more.conf", ["# nothing\r"]],
        ["etc/doas.d/wheel.conf", ["permit nopass :wheel"]],
        ["etc/hostname", []],
        ["etc/mkinitfs/features.d/ext4.modules", ["kernel/fs/ext4"]],
        ["etc/motd", ["Hello:", "", "  world"]],
      ]),
    );
  });

  it("follow links inside of the filesystem, and never out of it", async () => {
    const { texts, sums } = await factsOf({
      "usr/share/motd": "by a relative link",
      "etc/motd": "→../usr/./share//motd",
      "etc/hostname": "→/etc/../../../usr/share/motd",
      "etc/doas.d": "→/usr/doas",
      "usr/doas/wheel.conf": "in a folder by a link",
      "etc/passwd": "→passwd",
      "etc/shadow": "→gone",
      "etc/group": "→group-",
      "etc/group-": "→group",
      // Outside, these exist.
      "etc/fstab": "→/proc/self/status",
      "etc/inittab": "→/usr/share",
      "etc/apk/world": "→/usr/share/motd/world",
      "etc/apk/keys/a.rsa.pub": "→../../../usr/share/motd",
    });
    assert.deepEqual(
      new Map(texts),
      new Map([
        ["etc/hostname", ["by a relative link"]],
        ["etc/motd", ["by a relative link"]],
        ["etc/doas.d/wheel.conf", ["in a folder by a link"]],
      ]),
    );
    assert.deepEqual(
      sums.map(([path]) => path),
      ["etc/apk/keys/a.rsa.pub"],
    );
  });

  it("have the packages, and of what they own, keys and programs with another's rights", async () => {
    for (const files of [
      { "lib/apk/db/installed": database },
      { "usr/lib/apk/db/installed": database },
      { "usr/lib/apk/db/installed": database, lib: "→usr/lib" },
    ] as Record<string, string>[]) {
      const { packages, owned } = await factsOf(files);
      assert.deepEqual(packages, [
        ["alpine-keys", "2.6-r0"],
        ["doas", "6.8.2-r1"],
      ]);
      assert.deepEqual(owned, ["etc/apk/keys/alpine.rsa.pub", "usr/bin/doas"]);
    }
  });

  it("have modules that are built in, and digests of keys and of boot code", async () => {
    const { builtinModules, sums } = await factsOf({
      "lib/modules/6.18/modules.builtin": "kernel/drivers/gpio/gpio-pl061.ko\nkernel/fs/ext4/ext4.ko\n",
      "etc/apk/keys/a.rsa.pub": "",
      "usr/share/syslinux/mbr.bin": "boot",
    });
    assert.deepEqual(builtinModules, ["gpio-pl061", "ext4"]);
    assert.deepEqual(sums, [
      ["etc/apk/keys/a.rsa.pub", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      ["usr/share/syslinux/mbr.bin", "4509beb0ab401d71fa4a5cd94a55c9a74f13332776ae4019c5bfc4c2005157ff"],
    ]);
  });

  it("have the modules of each initramfs", async () => {
    const archive = (name: string): Buffer =>
      cpioArchive(
        [`lib/modules/${name}.ko.gz`, "etc/passwd"].map((path) => ({
          path,
          mode: 0o644,
          kind: "file" as const,
        })),
      );
    const { initramfsModules } = await factsOf({
      "boot/initramfs-virt": gzipSync(Buffer.concat([archive("one"), archive("two")])),
      "boot/initramfs-lts": "→../srv/initramfs",
      "srv/initramfs": gzipSync(archive("three")),
      "boot/initramfs-gone": "→nowhere",
    });
    assert.deepEqual(
      initramfsModules,
      ["three", "one", "two"].map((name) => `lib/modules/${name}.ko.gz`),
    );
  });

  it("have the blocks of what a bootloader loads, without holes", async () => {
    const { extents } = await factsOf({ "boot/initramfs-virt": gzipSync(cpioArchive([])) }, (tree) => {
      const kernel = openSync(join(tree, "boot/vmlinuz-virt"), "w");
      writeSync(kernel, "x".repeat(8192), 0);
      writeSync(kernel, "x", 5 * 4096);
      closeSync(kernel);
      truncateSync(join(tree, "boot/vmlinuz-virt"), 8 * 4096);
      for (const name of ["ldlinux.c32", "ldlinux.sys", "extlinux.conf", "config-virt"]) {
        writeFileSync(join(tree, "boot", name), "x");
      }
    });
    assert.deepEqual(
      new Map(extents.sort()),
      new Map([
        ["boot/extlinux.conf", [[0, 0]]],
        ["boot/initramfs-virt", [[0, 0]]],
        ["boot/ldlinux.c32", [[0, 0]]],
        ["boot/ldlinux.sys", [[0, 0]]],
        [
          "boot/vmlinuz-virt",
          [
            [0, 1],
            [5, 5],
          ],
        ],
      ]),
    );
  });

  it("are refused with a text of more than a MiB, and it is named", async () => {
    await assert.rejects(
      factsOf({ "etc/motd": Buffer.alloc(2 ** 20 + 1, "x") }),
      /^FormatError: \/etc\/motd: inode \d+ has 1048577 bytes, more than the 1048576 that it may have$/,
    );
  });

  it("are refused with an initramfs that is damaged or unpacks to too much, and it is named", async () => {
    await assert.rejects(
      factsOf({ "boot/initramfs-virt": "no archive" }),
      /^FormatError: \/boot\/initramfs-virt: there is neither a cpio archive nor a gzip file at byte 0$/,
    );
    const bomb = gzipSync(Buffer.alloc(2 ** 28 + 2 ** 20));
    await assert.rejects(
      factsOf({ "boot/initramfs-virt": bomb }),
      /^FormatError: \/boot\/initramfs-virt: it has more than 268435456 bytes when unpacked$/,
    );
  });
});
