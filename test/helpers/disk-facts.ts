/** The facts that a guest reports about a good disk, shortened to what the disk check reads, and the disk that was expected. */
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

/** The report of guest/check/ on it, one fact per line, without the word `fact`. */
export function goodFacts(firmware: "bios" | "uefi"): string {
  return `${firmware === "bios" ? bios : uefi}${common}${paths()}end yes\n`;
}

const bios = `sectors 409600
table { "partitiontable": { "label": "dos", "id": "0x${ids.diskId}", "partitions": [ { "start": 2048, "size": 407552, "type": "83", "bootable": true } ] } }
table-check No errors detected.
boot-code ${sum("1")}
sum ${sum("1")}  usr/share/syslinux/mbr.bin
boot-sector SYSLINUX
filesystem Block count:              50944
extents debugfs: ex "/boot/ldlinux.sys"
extents Level Entries       Logical      Physical Length Flags
extents  0/ 0   1/  1     0 -     0  8001 -  8001      1
line boot/extlinux.conf:LABEL virt
line boot/extlinux.conf:  LINUX vmlinuz-virt
line boot/extlinux.conf:  INITRD initramfs-virt
line boot/extlinux.conf:  APPEND root=LABEL=/ modules=sd-mod,ext4 console=ttyS0,115200n8 quiet
line etc/update-extlinux.conf:default_kernel_opts="console=ttyS0,115200n8 quiet"
line etc/update-extlinux.conf:modules=sd-mod,ext4
line etc/update-extlinux.conf:root=LABEL=/
line etc/fstab:LABEL=/     /    ext4     defaults,noatime    1 1
`;

const uefi = `sectors 409600
table { "partitiontable": { "label": "gpt", "id": "${ids.diskUuid.toUpperCase()}", "firstlba": 34, "lastlba": 409566, "partitions": [ { "start": 1024, "size": 1024, "type": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "uuid": "${ids.efiPartitionUuid.toUpperCase()}", "name": "EFI" }, { "start": 2048, "size": 405504, "type": "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "uuid": "${ids.rootPartitionUuid.toUpperCase()}", "name": "/" } ] } }
table-check No errors detected.
last-sector EFI PART
efi-volume /dev/vda1: LABEL="EFI" UUID="${ids.efiVolumeId.slice(0, 4).toUpperCase()}-${ids.efiVolumeId.slice(4).toUpperCase()}" TYPE="vfat"
efi-file ${sum("2")} /EFI/alpine/grubx64.efi
efi-file ${sum("2")} /EFI/boot/bootx64.efi
filesystem Block count:              50688
line boot/grub/grub.cfg:menuentry 'GNU/Linux, with Linux virt' --class gnu-linux {
line boot/grub/grub.cfg:	linux	/boot/vmlinuz-virt root=LABEL=/ ro  modules=sd-mod,ext4 console=ttyS0,115200n8 quiet
line boot/grub/grub.cfg:	initrd	/boot/initramfs-virt
line boot/grub/grub.cfg:}
line etc/default/grub:GRUB_CMDLINE_LINUX_DEFAULT="modules=sd-mod,ext4 console=ttyS0,115200n8 quiet"
line etc/fstab:LABEL=/     /    ext4     defaults,noatime    1 1
line etc/fstab:LABEL=EFI   /boot/efi      vfat     defaults,noatime,umask=077  0 0
`;

const common = `fsck 0
filesystem Filesystem volume name:   /
filesystem Filesystem UUID:          ${ids.rootUuid}
filesystem Filesystem features:      has_journal ext_attr dir_index filetype extent flex_bg metadata_csum
filesystem Filesystem state:         clean
filesystem Block size:               4096
filesystem Filesystem created:       Thu Oct  1 00:00:00 2026
filesystem Last write time:          Thu Oct  1 00:00:00 2026
filesystem Last checked:             Thu Oct  1 00:00:00 2026
filesystem Mount count:              0
filesystem Directory Hash Seed:      ${ids.rootUuid}
filesystem Journal start:            0
free-blocks 40000-50000, 50010
extents debugfs: ex "/boot/vmlinuz-virt"
extents Level Entries       Logical      Physical Length Flags
extents  0/ 1   1/  1     0 -  2500  9450            2501
extents  1/ 1   1/  2     0 -  2099  9451 - 11550   2100
extents  1/ 1   2/  2  2100 -  2500 31551 - 31951    401
extents debugfs: ex "/boot/initramfs-virt"
extents Level Entries       Logical      Physical Length Flags
extents  0/ 0   1/  1     0 -     2  6931 -  6933      3
line etc/mkinitfs/mkinitfs.conf:features="base ext4 nvme"
line etc/mkinitfs/features.d/ext4.modules:kernel/fs/ext4*
line etc/mkinitfs/features.d/nvme.modules:# of storage
line etc/mkinitfs/features.d/nvme.modules:kernel/drivers/nvme
initramfs usr/lib/modules/6.18.56-0-virt/kernel/scsi/sd_mod.ko.gz
initramfs usr/lib/modules/6.18.56-0-virt/kernel/fs/ext4.ko
initramfs usr/lib/modules/6.18.56-0-virt/kernel/drivers/nvme/host/nvme.ko.gz
builtin virtio_pci
package alpine-base 1-r0
package doas 1-r0
package sudo 1-r0
package syslinux 1-r0
line etc/apk/world:alpine-base
line etc/apk/world:doas
line etc/apk/world:sudo@edge
line etc/apk/world:syslinux
line etc/apk/repositories:https://example.org/main
line etc/apk/repositories:@edge https://example.org/edge
line etc/apk/repositories:#https://example.org/testing
owned etc/apk/keys/alpine.rsa.pub
owned usr/bin/doas
sum ${sum("4")}  etc/apk/keys/alpine.rsa.pub
sum ${sum("5")}  etc/apk/keys/mine.rsa.pub
link './etc/runlevels/boot/syslog' -> '/etc/init.d/syslog'
link './etc/runlevels/boot/tiny-cloud-boot' -> '/etc/init.d/tiny-cloud-boot'
link './etc/runlevels/default/sshd' -> '/etc/init.d/sshd'
line etc/alpine-release:3.23.6
line etc/motd:Welcome
line etc/motd:
line etc/motd:to Alpine
line etc/hostname:localhost
line etc/network/interfaces:# written by the builder
line etc/network/interfaces:auto lo
line etc/network/interfaces:iface lo inet loopback
line etc/network/interfaces:
line etc/network/interfaces:auto eth0
line etc/network/interfaces:iface eth0 inet dhcp
line etc/inittab:::sysinit:/sbin/openrc sysinit
line etc/inittab:#tty1::respawn:/sbin/getty 38400 tty1
line etc/inittab:ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
line etc/chrony/chrony.conf:server 169.254.169.123 iburst
line etc/doas.d/wheel.conf:permit nopass :wheel
line etc/sudoers.d/wheel:%wheel ALL=(ALL) NOPASSWD: ALL
line etc/tiny-cloud.conf:CLOUD_USER=alpine
line etc/passwd:root:x:0:0:root:/root:/bin/sh
line etc/passwd:sync:x:5:0:sync:/sbin:/bin/sync
line etc/passwd:daemon:x:2:2:daemon:/sbin:/sbin/nologin
line etc/passwd:postgres:x:70:70::/var/lib/postgresql:/bin/sh
line etc/passwd:alpine:x:1000:1000::/home/alpine:/bin/sh
line etc/group:root:x:0:root
line etc/group:daemon:x:2:root,daemon
line etc/group:wheel:x:10:root,alpine
line etc/group:shadow:x:42:
line etc/group:postgres:x:70:
line etc/group:alpine:x:1000:alpine
line etc/shadow:root:!*:20713:0:::::
line etc/shadow:sync:!::0:::::
line etc/shadow:daemon:!::0:::::
line etc/shadow:postgres:!:20713:0:99999:7:::
line etc/shadow:alpine:*:20713:0:99999:7:::
`;

function paths(): string {
  const path = (kind: "4" | "8" | "a", mode: number, owner: string, name: string, size = 4096): string =>
    `path ${kind}${mode.toString(16).padStart(3, "0")} ${owner} ${released} ${released} ${released} ${size} ${name}\n`;
  const folder = (name: string, mode = 0o755, owner = "0 0"): string => path("4", mode, owner, name);
  const file = (name: string, mode = 0o644, owner = "0 0", size?: number): string =>
    path("8", mode, owner, name, size);
  return [
    folder("."),
    folder("./etc"),
    folder("./root", 0o700),
    folder("./tmp", 0o1777),
    folder("./var"),
    folder("./var/tmp", 0o1777),
    folder("./var/log"),
    folder("./lib/modules/6.18.56-0-virt"),
    folder("./home/alpine", 0o2755, "1000 1000"),
    ...["passwd", "group", "apk/repositories", "motd"].map((name) => file(`./etc/${name}`)),
    ...["ext4.modules", "base.files", "nvme.modules"].map((name) =>
      file(`./etc/mkinitfs/features.d/${name}`),
    ),
    ...["alpine.rsa.pub", "mine.rsa.pub"].map((name) => file(`./etc/apk/keys/${name}`)),
    ...["syslog", "sshd", "tiny-cloud-boot"].map((name) => file(`./etc/init.d/${name}`, 0o755)),
    file("./etc/shadow", 0o640, "0 42"),
    ...["doas.d/wheel.conf", "sudoers.d/wheel"].map((name) => file(`./etc/${name}`, 0o440)),
    file("./boot/vmlinuz-virt", 0o644, "0 0", 2501 * 4096),
    file("./boot/initramfs-virt", 0o600, "0 0", 2 * 4096 + 1),
    ...["ldlinux.sys", "ldlinux.c32"].map((name) => file(`./boot/${name}`, 0o444)),
    ...["scsi/sd_mod.ko.gz", "fs/ext4.ko", "drivers/nvme/host/nvme.ko.gz"].map((name) =>
      file(`./lib/modules/6.18.56-0-virt/kernel/${name}`),
    ),
    file("./usr/bin/doas", 0o4755),
    path("a", 0o777, "0 0", "./bin/sh", 12),
  ].join("");
}
