/** The facts of a good disk, shortened to what the disk check compares, and the disk that was expected. */
import type { DiskFacts } from "../../src/builder/disk-reader/facts.ts";
import type { ExpectedDisk } from "../../src/builder/disk-check/check-facts.ts";
import { identifiers } from "../../src/builder/inputs.ts";
import { someVariant } from "./variant.ts";

const ids = identifiers("0".repeat(64));
const released = Date.parse("2026-10-01T00:00:00Z") / 1000;
const sum = (letter: string): string => letter.repeat(64);

/** A disk of 200 MiB. */
export function expectedDisk(firmware: "bios" | "uefi"): ExpectedDisk {
  const variant = someVariant({
    firmware,
    bootloader: firmware === "bios" ? "extlinux" : "grub-efi",
    packages: { add: ["alpine-base", "doas", "sudo@edge"], delete: ["tcpdump"], noScripts: ["syslinux"] },
    services: {
      enable: { boot: ["syslog"], default: ["sshd"] },
      disable: { default: ["crond"] },
    },
    repos: [
      { url: "https://example.org/main", enabled: true },
      { url: "https://example.org/edge", tag: "edge", enabled: true },
      { url: "https://example.org/testing", enabled: false },
    ],
    repoKeys: ["keys/mine.rsa.pub"],
    kernelModules: ["sd-mod", "ext4"],
    kernelOptions: ["console=ttyS0,115200n8", "quiet"],
    initfsFeatures: ["nvme"],
    motd: "Welcome\n\nto Alpine",
    ntpServer: "169.254.169.123",
  });
  const packages = ["alpine-base", "doas", "sudo", "syslinux"].map((name) => ({ name, version: "1-r0" }));
  return {
    dataSource: "NoCloud",
    variant,
    ids,
    packages,
    diskSizeMib: 200,
    declaredMib: 200,
    motd: variant.motd,
    console: "ttyS0",
    repoKeys: { "mine.rsa.pub": sum("5") },
    kernel: "6.18.56-0-virt",
    customized: false,
  };
}

const mib = 2 ** 20;

/** What the disk reader tells of it: fresh facts, which a test may change. */
export function goodFacts(firmware: "bios" | "uefi"): DiskFacts {
  const { table, rootMib, efi, texts } = { bios, uefi }[firmware]();
  const extents = new Map<string, [number, number][]>([["boot/initramfs-virt", [[0, 2]]]]);
  extents.set("boot/vmlinuz-virt", [
    [0, 2099],
    [2100, 2500],
  ]);
  if (firmware === "bios") extents.set("boot/ldlinux.sys", [[0, 0]]);
  return {
    size: 200 * mib,
    table,
    bootCode: sum("1"),
    bootSector: firmware === "bios" ? "SYSLINUX" : "\0".repeat(8),
    ...(efi && { efi }),
    filesystem: {
      label: "/",
      uuid: ids.rootUuid,
      hashSeed: ids.rootUuid,
      clean: true,
      blockSize: 4096,
      blockCount: rootMib * 256,
      mountCount: 0,
      journalStart: 0,
      features: ["has_journal", "ext_attr", "dir_index", "filetype", "extent", "flex_bg", "metadata_csum"],
      created: released,
      written: released,
      checked: released,
    },
    writtenFreeBlocks: [],
    paths: paths(),
    extents,
    links: new Map(
      ["boot/syslog", "boot/tiny-cloud-boot", "default/sshd"].map((name) => [
        `etc/runlevels/${name}`,
        `/etc/init.d/${name.replace(/.*\//, "")}`,
      ]),
    ),
    texts: textsIn(`${commonTexts}${texts}`),
    packages: new Map(["alpine-base", "doas", "sudo", "syslinux"].map((name) => [name, "1-r0"])),
    owned: new Set(["etc/apk/keys/alpine.rsa.pub", "usr/bin/doas"]),
    sums: new Map([
      ["etc/apk/keys/alpine.rsa.pub", sum("4")],
      ["etc/apk/keys/mine.rsa.pub", sum("5")],
      ["usr/share/syslinux/mbr.bin", sum("1")],
    ]),
    builtinModules: new Set(["virtio_pci"]),
    initramfsModules: new Set(
      ["scsi/sd_mod.ko.gz", "fs/ext4.ko", "drivers/nvme/host/nvme.ko.gz"].map(
        (name) => `usr/lib/modules/6.18.56-0-virt/kernel/${name}`,
      ),
    ),
  };
}

/** What depends on the firmware. `texts` are lines `PATH:LINE`. */
type OfFirmware = Pick<DiskFacts, "table" | "efi"> & { rootMib: number; texts: string };

const bios = (): OfFirmware => ({
  table: {
    kind: "MBR",
    id: ids.diskId,
    usableEnd: 200 * mib,
    partitions: [{ number: 1, type: "83", id: "", name: "", active: true, start: mib, length: 199 * mib }],
  },
  rootMib: 199,
  texts: `
boot/extlinux.conf:LABEL virt
boot/extlinux.conf:  LINUX vmlinuz-virt
boot/extlinux.conf:  INITRD initramfs-virt
boot/extlinux.conf:  APPEND root=LABEL=/ modules=sd-mod,ext4 console=ttyS0,115200n8 quiet
etc/update-extlinux.conf:default_kernel_opts="console=ttyS0,115200n8 quiet"
etc/update-extlinux.conf:modules=sd-mod,ext4
etc/update-extlinux.conf:root=LABEL=/
etc/fstab:LABEL=/     /    ext4     defaults,noatime    1 1`,
});

const uefi = (): OfFirmware => ({
  table: {
    kind: "GPT",
    id: ids.diskUuid,
    usableEnd: 200 * mib - 33 * 512,
    partitions: [
      {
        number: 1,
        type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        id: ids.efiPartitionUuid,
        name: "EFI",
        active: false,
        start: mib / 2,
        length: mib / 2,
      },
      {
        number: 2,
        type: "0fc63daf-8483-4772-8e79-3d69d8477de4",
        id: ids.rootPartitionUuid,
        name: "/",
        active: false,
        start: mib,
        length: 198 * mib,
      },
    ],
  },
  rootMib: 198,
  efi: {
    label: "EFI",
    rootLabel: "EFI",
    volumeId: ids.efiVolumeId,
    files: new Map(["/EFI/alpine/grubx64.efi", "/EFI/boot/bootx64.efi"].map((path) => [path, sum("2")])),
  },
  texts: `
boot/grub/grub.cfg:menuentry 'GNU/Linux, with Linux virt' --class gnu-linux {
boot/grub/grub.cfg:	linux	/boot/vmlinuz-virt root=LABEL=/ ro  modules=sd-mod,ext4 console=ttyS0,115200n8 quiet
boot/grub/grub.cfg:	initrd	/boot/initramfs-virt
boot/grub/grub.cfg:}
etc/default/grub:GRUB_CMDLINE_LINUX_DEFAULT="modules=sd-mod,ext4 console=ttyS0,115200n8 quiet"
etc/fstab:LABEL=/     /    ext4     defaults,noatime    1 1
etc/fstab:LABEL=EFI   /boot/efi      vfat     defaults,noatime,umask=077  0 0`,
});

/** Files by path, from lines `PATH:LINE`. */
function textsIn(lines: string): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const line of lines.split("\n")) {
    const [, path = "", text = ""] = /^([^:]+):(.*)$/.exec(line)!;
    files.set(path, [...(files.get(path) ?? []), text]);
  }
  return files;
}

const commonTexts = `etc/mkinitfs/mkinitfs.conf:features="base ext4 nvme"
etc/mkinitfs/features.d/ext4.modules:kernel/fs/ext4*
etc/mkinitfs/features.d/nvme.modules:# of storage
etc/mkinitfs/features.d/nvme.modules:kernel/drivers/nvme
etc/apk/world:alpine-base
etc/apk/world:doas
etc/apk/world:sudo@edge
etc/apk/world:syslinux
etc/apk/repositories:https://example.org/main
etc/apk/repositories:@edge https://example.org/edge
etc/apk/repositories:#https://example.org/testing
etc/alpine-release:3.23.6
etc/motd:Welcome
etc/motd:
etc/motd:to Alpine
etc/hostname:localhost
etc/network/interfaces:# written by the builder
etc/network/interfaces:auto lo
etc/network/interfaces:iface lo inet loopback
etc/network/interfaces:
etc/network/interfaces:auto eth0
etc/network/interfaces:iface eth0 inet dhcp
etc/inittab:::sysinit:/sbin/openrc sysinit
etc/inittab:#tty1::respawn:/sbin/getty 38400 tty1
etc/inittab:ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
etc/chrony/chrony.conf:server 169.254.169.123 iburst
etc/doas.d/wheel.conf:permit nopass :wheel
etc/sudoers.d/wheel:%wheel ALL=(ALL) NOPASSWD: ALL
etc/tiny-cloud.conf:CLOUD_USER=alpine
etc/passwd:root:x:0:0:root:/root:/bin/sh
etc/passwd:sync:x:5:0:sync:/sbin:/bin/sync
etc/passwd:daemon:x:2:2:daemon:/sbin:/sbin/nologin
etc/passwd:postgres:x:70:70::/var/lib/postgresql:/bin/sh
etc/passwd:alpine:x:1000:1000::/home/alpine:/bin/sh
etc/group:root:x:0:root
etc/group:daemon:x:2:root,daemon
etc/group:wheel:x:10:root,alpine
etc/group:shadow:x:42:
etc/group:postgres:x:70:
etc/group:alpine:x:1000:alpine
etc/shadow:root:!*:20713:0:::::
etc/shadow:sync:!::0:::::
etc/shadow:daemon:!::0:::::
etc/shadow:postgres:!:20713:0:99999:7:::
etc/shadow:alpine:*:20713:0:99999:7:::`;

function paths(): DiskFacts["paths"] {
  type Fact = [path: string, fact: DiskFacts["paths"] extends Map<string, infer One> ? One : never];
  const fact = (
    kind: "file" | "folder" | "link",
    path: string,
    mode: number,
    { uid = 0, gid = 0, size = 4096 } = {},
  ): Fact => [path, { kind, mode, uid, gid, times: [released, released, released], size }];
  const folder = (path: string, mode = 0o755, more = {}): Fact => fact("folder", path, mode, more);
  const file = (path: string, mode = 0o644, more = {}): Fact => fact("file", path, mode, more);
  return new Map([
    folder("."),
    folder("etc"),
    folder("root", 0o700),
    folder("tmp", 0o1777),
    folder("var"),
    folder("var/tmp", 0o1777),
    folder("var/log"),
    folder("lib/modules/6.18.56-0-virt"),
    folder("home/alpine", 0o2755, { uid: 1000, gid: 1000 }),
    ...["passwd", "group", "apk/repositories", "motd"].map((name) => file(`etc/${name}`)),
    ...["ext4.modules", "base.files", "nvme.modules"].map((name) => file(`etc/mkinitfs/features.d/${name}`)),
    ...["alpine.rsa.pub", "mine.rsa.pub"].map((name) => file(`etc/apk/keys/${name}`)),
    ...["syslog", "sshd", "tiny-cloud-boot"].map((name) => file(`etc/init.d/${name}`, 0o755)),
    file("etc/shadow", 0o640, { gid: 42 }),
    ...["doas.d/wheel.conf", "sudoers.d/wheel"].map((name) => file(`etc/${name}`, 0o440)),
    file("boot/vmlinuz-virt", 0o644, { size: 2501 * 4096 }),
    file("boot/initramfs-virt", 0o600, { size: 2 * 4096 + 1 }),
    ...["ldlinux.sys", "ldlinux.c32"].map((name) => file(`boot/${name}`, 0o444)),
    ...["scsi/sd_mod.ko.gz", "fs/ext4.ko", "drivers/nvme/host/nvme.ko.gz"].map((name) =>
      file(`lib/modules/6.18.56-0-virt/kernel/${name}`),
    ),
    file("usr/bin/doas", 0o4755),
    fact("link", "bin/sh", 0o777, { size: 12 }),
  ]);
}
