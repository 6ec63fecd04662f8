import assert from "node:assert/strict";
import { readFacts } from "../../../../src/builder/disk-check/facts.ts";
import { type ExpectedDisk, checkFacts } from "../../../../src/builder/disk-check/check-facts.ts";
import { expectedDisk, goodFacts } from "../../../helpers/disk-facts.ts";

type Firmware = "bios" | "uefi";
/** A text of the good facts, and what is in its place on a bad disk. */
type Change = [from: string | RegExp, to: string];

/** Names of the checks that fail, with what was found. */
function failures(
  firmware: Firmware,
  changes: Change[],
  expected: Partial<ExpectedDisk> = {},
): Map<string, string> {
  let facts = goodFacts(firmware);
  for (const [from, to] of changes) {
    const changed = facts.replace(from, to);
    assert.notEqual(changed, facts, `the good facts have no ${from}`);
    facts = changed;
  }
  const checks = checkFacts(readFacts(facts.trimEnd().split("\n")), {
    ...expectedDisk(firmware),
    ...expected,
  });
  return new Map(checks.filter(({ passed }) => !passed).map(({ name, found }) => [name, found]));
}

const add = (line: string): Change => [/^end yes$/m, `${line}\nend yes`];
const file = (mode: string, path: string, owner = "0 0"): Change =>
  add(`path ${mode} ${owner} 1790812800 1790812800 1790812800 9 ./${path}`);

/** The check that must fail, and no other, when a disk differs from a good one by this. */
const faults: Record<Firmware, [check: string, ...Change[]][]> = {
  bios: [
    ["size of the disk, in sectors", ["sectors 409600", "sectors 409599"]],
    ["partition table", ["No errors detected.", "Partition 1: overlaps"]],
    ["type of the partition table", ['"dos"', '"gpt"']],
    ["identifier of the disk", [/"id": "0x../, '"id": "0xzz']],
    ["partitions", ['"bootable": true', '"bootable": false']],
    ["partitions", ['"start": 2048', '"start": 2049']],
    ["boot code of the disk", [/boot-code 1/, "boot-code 0"]],
    ["boot sector of the root filesystem", ["boot-sector SYSLINUX", "boot-sector "]],
    ["filesystem: errors that e2fsck finds", ["fsck 0", "fsck 4"]],
    ["filesystem: Filesystem volume name", ["volume name:   /", "volume name:   root"]],
    ["filesystem: Filesystem UUID", [/Filesystem UUID: {10}./, "Filesystem UUID:          z"]],
    ["filesystem: Directory Hash Seed", [/Hash Seed: {6}./, "Hash Seed:      z"]],
    ["filesystem: Filesystem state", ["state:         clean", "state:         not clean"]],
    ["filesystem: Block size", ["Block size:               4096", "Block size:               1024"]],
    ["filesystem: Block count", [/Block count: +\d+/, "Block count: 50000"]],
    ["filesystem: Mount count", [/Mount count: +0/, "Mount count: 1"]],
    ["filesystem: Journal start", [/Journal start: +0/, "Journal start: 1"]],
    ["filesystem: features that a bootloader cannot read", ["flex_bg", "flex_bg 64bit orphan_file"]],
    ["filesystem: features", ["has_journal ", ""]],
    [
      "filesystem: Filesystem created",
      ["created:       Thu Oct  1 00:00:00", "created:       Thu Oct  1 00:00:01"],
    ],
    ["filesystem: Last write time", ["write time:          Thu Oct  1", "write time:          Thu Oct  2"]],
    [
      "filesystem: Last checked",
      ["checked:             Thu Oct  1 00:00:00 2026", "checked:             n/a"],
    ],
    [
      "kernels with modules",
      add("path 41ed 0 0 1790812800 1790812800 1790812800 9 ./lib/modules/6.18.55-0-virt"),
    ],
    ["kernels in /boot", file("8180", "boot/initramfs-lts")],
    ["/boot/vmlinuz-virt has no holes", ["2100 -  2500 31551", "2101 -  2500 31551"]],
    ["/boot/vmlinuz-virt has no holes", ["31951    401", "31951    401 Uninit"]],
    ["/boot/initramfs-virt has no holes", ["0 -     2  6931", "0 -     1  6931"]],
    ["/boot/ldlinux.sys has no holes", ["0 -     0  8001", "1 -     1  8001"]],
    ["files of the bootloader", ["./boot/ldlinux.c32", "./boot/ldlinux.c33"]],
    ["kernel line of /boot/extlinux.conf", ["APPEND root=LABEL=/", "APPEND root=/dev/vda1"]],
    [
      "kernel line of /boot/extlinux.conf",
      [" console=ttyS0,115200n8 quiet\n", " quiet console=ttyS0,115200n8\n"],
    ],
    ["kernel line of /boot/extlinux.conf", ["APPEND root=LABEL=/", "APPEND root=LABEL=/ init=/bin/sh"]],
    ["kernel line of /boot/extlinux.conf", ["INITRD initramfs-virt", "INITRD initramfs-lts"]],
    ["kernel line of /boot/extlinux.conf", ["LINUX vmlinuz-virt", "LINUX vmlinuz-lts"]],
    ["root for future kernels, in /etc/update-extlinux.conf", ["conf:root=LABEL=/", "conf:root=UUID=1"]],
    [
      "modules for future kernels, in /etc/update-extlinux.conf",
      ["conf:modules=sd-mod,ext4", "conf:modules=ext4"],
    ],
    ["options for future kernels, in /etc/update-extlinux.conf", ['opts="console=ttyS0,115200n8 ', 'opts="']],
    ["modules missing from the kernel", [/^(path .*)sd_mod/m, "$1sg"]],
    ["modules of its features missing from the initramfs", [/^initramfs .*nvme.*\n/m, ""]],
    ["modules of its features missing from the initramfs", [/^initramfs .*ext4.*\n/m, "builtin ext4\n"]],
    ["modules of the kernel line missing from the initramfs", [/^initramfs .*sd_mod.*\n/m, ""]],
    ["features of the initramfs, in /etc/mkinitfs/mkinitfs.conf", ["ext4 nvme", "ext4"]],
    [
      "features of the initramfs that mkinitfs does not know",
      ["./etc/mkinitfs/features.d/nvme.m", "./etc/nvme.m"],
    ],
    ["mkinitfs' trigger is off", add('line etc/mkinitfs/mkinitfs.conf:disable_trigger="yes"')],
    ["installed packages", ["package doas 1-r0", "package doas 1-r1"]],
    ["installed packages", add("package nc 1-r0")],
    ["packages asked for, in /etc/apk/world", ["world:sudo@edge", "world:sudo"]],
    ["packages asked for, in /etc/apk/world", add("line etc/apk/world:nc")],
    [
      "/etc/apk/repositories",
      ["repositories:#https://example.org/testing", "repositories:https://example.org/testing"],
    ],
    ["keys that apk trusts beside Alpine's", file("81a4", "etc/apk/keys/mirror.rsa.pub")],
    ["keys that apk trusts beside Alpine's", [/sum 5/, "sum 6"]],
    ["services of runlevel boot", add("link './etc/runlevels/boot/sshd' -> '/etc/init.d/sshd'")],
    [
      "services of runlevel default",
      ["runlevels/default/sshd", "runlevels/default/tiny-cloud"],
      [/init.d\/sshd'/, "init.d/tiny-cloud'"],
      ["./etc/init.d/sshd", "./etc/init.d/tiny-cloud"],
    ],
    ["enabled services without a program", ["./etc/init.d/sshd", "./etc/init.d/ssh"]],
    ["enabled services without a program", ["-> '/etc/init.d/sshd'", "-> '/etc/init.d/ssh'"]],
    ["services of Tiny Cloud", [/^link .*tiny-cloud-boot.*\n/m, ""]],
    ["/etc/alpine-release", ["release:3.23.6", "release:3.23.5"]],
    ["/etc/motd", ["motd:to Alpine", "motd:to Debian"]],
    ["/etc/hostname", ["hostname:localhost", "hostname:builder"]],
    ["/etc/network/interfaces", ["iface eth0 inet dhcp", "iface eth0 inet static"]],
    ["filesystems of /etc/fstab", ["fstab:LABEL=/ ", "fstab:/dev/vda1 "]],
    ["terminals with a login, in /etc/inittab", ["inittab:#tty1", "inittab:tty1"]],
    ["terminals with a login, in /etc/inittab", ["inittab:ttyS0::", "inittab:#ttyS0::"]],
    [
      "time servers of /etc/chrony/chrony.conf",
      ["conf:server 169", "conf:pool pool.ntp.org\nline etc/chrony/chrony.conf:server 169"],
    ],
    ["rules of doas, in /etc/doas.d/wheel.conf", ["permit nopass :wheel", "permit nopass :users"]],
    ["rules of sudo, in /etc/sudoers.d/wheel", add("line etc/sudoers.d/wheel:ALL ALL=(ALL) NOPASSWD: ALL")],
    ["user of Tiny Cloud", ["CLOUD_USER=alpine", "#CLOUD_USER=alpine"]],
    ["users who can log in", ["shadow:postgres:!", "shadow:postgres:*"]],
    ["users with a password", ["shadow:sync:!:", "shadow:sync::"]],
    ["users who are root", ["passwd:daemon:x:2:2:", "passwd:daemon:x:0:2:"]],
    [
      "numbers of the login user",
      ["passwd:alpine:x:1000:", "passwd:alpine:x:70:"],
      ["path 45ed 1000", "path 45ed 70"],
    ],
    ["groups of the login user", ["wheel:x:10:root,alpine", "wheel:x:10:root"]],
    ["shell of the login user", ["/home/alpine:/bin/sh", "/home/alpine:/bin/zsh"]],
    ["home of the login user", ["path 45ed 1000 1000", "path 45ed 0 1000"]],
    ["permissions of /", [/path 41ed (.*) \.\n/, "path 41fd $1 .\n"]],
    ["permissions of /etc", [/path 41ed (.*) \.\/etc\n/, "path 41fd $1 ./etc\n"]],
    ["permissions of /root", ["path 41c0 0 0", "path 41ed 0 0"]],
    ["permissions of /tmp", [/path 43ff (.*) \.\/tmp\n/, "path 41ff $1 ./tmp\n"]],
    ["permissions of /var/tmp", [/path 43ff (.*) \.\/var\/tmp\n/, "path 41ed $1 ./var/tmp\n"]],
    ["permissions of /etc/passwd", [/path 81a4 0 0 (.*passwd)/, "path 81b4 0 0 $1"]],
    ["permissions of /etc/group", [/path 81a4 0 0 (.*group)/, "path 81a4 0 42 $1"]],
    ["permissions of /etc/shadow", ["path 81a0 0 42", "path 81a4 0 42"]],
    ["permissions of /etc/apk/repositories", [/path 81a4 0 0 (.*repositories)/, "path 81ed 0 0 $1"]],
    ["permissions of /etc/doas.d/wheel.conf", [/path 8120 0 0 (.*doas)/, "path 81a4 0 0 $1"]],
    ["permissions of /etc/sudoers.d/wheel", [/path 8120 0 0 (.*sudoers)/, "path 8124 0 0 $1"]],
    ["files that anybody can write", file("81b6", "usr/bin/tool")],
    ["files that anybody can write", file("43ff", "srv")],
    ["set-uid or set-gid files that belong to no package", file("89ed", "usr/bin/tool")],
    ["files of users and groups that do not exist", file("81a4", "usr/bin/tool", "501 20")],
    ["initramfs that others can read", [/path 8180 0 0 (.*initramfs)/, "path 81a4 0 0 $1"]],
    ["devices, sockets and pipes", file("61b0", "srv/sda")],
    ["left over: SSH host keys", file("8180", "etc/ssh/ssh_host_rsa_key")],
    ["left over: identities of a machine", file("81a4", "etc/machine-id")],
    ["left over: keys to log in as root", file("8180", "root/.ssh/authorized_keys")],
    ["left over: shell histories", file("8180", "root/.ash_history")],
    ["left over: name servers of the build", file("81a4", "etc/resolv.conf")],
    ["left over: logs", file("81a4", "var/log/apk.log")],
    ["left over: temporary files", file("81a4", "var/tmp/x")],
    ["left over: files of the build", file("81a4", "mnt/x")],
    ["left over: cached packages", file("81a4", "var/cache/apk/APKINDEX.1.tar.gz")],
    ["left over: configuration files that wait for a decision", file("81a4", "etc/motd.apk-new")],
    ["left over: earlier versions of user lists", file("8180", "etc/shadow-")],
    ["files whose time is not the release's", [/(path 41c0 0 0 \d+ )\d+/, "$11790812801"]],
    ["all facts understood", add("path ? ? ?")],
    ["all facts told", ["end yes\n", ""]],
  ],
  uefi: [
    ["type of the partition table", ['"gpt"', '"dos"']],
    ["identifier of the disk", [/"id": "../, '"id": "ZZ']],
    ["partitions", ["C12A7328", "0FC63DAF"]],
    ["partitions", ['"name": "/"', '"name": "root"']],
    ["last usable sector", ["409566", "409000"]],
    ["backup of the partition table, in the last sector", ["last-sector EFI PART", "last-sector "]],
    ["EFI system partition", ['LABEL="EFI"', 'LABEL="ESP"']],
    ["files of the EFI system partition", add(`efi-file ${"2".repeat(64)} /EFI/boot/x`)],
    ["bootloader in the fallback path", [/efi-file 2(.*bootx64)/, "efi-file 3$1"]],
    ["kernel line of /boot/grub/grub.cfg", ["root=LABEL=/ ro", "root=UUID=1 ro"]],
    ["kernel line of /boot/grub/grub.cfg", ["initrd\t/boot/initramfs-virt", "initrd\t/boot/initramfs"]],
    ["options for future kernels, in /etc/default/grub", ['DEFAULT="modules=sd-mod,', 'DEFAULT="modules=']],
    ["filesystems of /etc/fstab", ["fstab:LABEL=EFI", "fstab:#LABEL=EFI"]],
  ],
};

describe("the judge of a finished disk", () => {
  for (const firmware of ["bios", "uefi"] as const) {
    it(`passes a good one of ${firmware}`, () => assert.deepEqual([...failures(firmware, [])], []));

    for (const [check, ...changes] of faults[firmware]) {
      const [from, to] = changes[0]!;
      it(`sees on ${firmware}: ${check} (${JSON.stringify(to || String(from)).slice(1, -1)})`, () =>
        assert.deepEqual([...failures(firmware, changes).keys()], [check]));
    }
  }

  it("has no check that no fault fails", () => {
    const tried = new Set(Object.values(faults).flatMap((list) => list.map(([check]) => check)));
    const all = (["bios", "uefi"] as const).flatMap((firmware) =>
      checkFacts(readFacts(goodFacts(firmware).split("\n")), expectedDisk(firmware)).map(({ name }) => name),
    );
    const missing = [...new Set(all)].filter((name) => !tried.has(name));
    // What fails these, fails others too: the next test.
    assert.deepEqual(missing.sort(), [
      "deleted packages that are installed",
      "disabled services that are enabled",
      "packages asked for that are installed",
      "password of the login user",
      "root is locked",
    ]);
  });

  it("sees what fails several checks", () => {
    const names = (...changes: Change[]): string[] => [...failures("bios", changes).keys()];
    assert.deepEqual(names(["package sudo 1-r0\n", ""]), [
      "installed packages",
      "packages asked for that are installed",
    ]);
    assert.deepEqual(names(add("package tcpdump 1-r0")), [
      "installed packages",
      "deleted packages that are installed",
    ]);
    const crond = add("link './etc/runlevels/default/crond' -> '/etc/init.d/crond'");
    assert.deepEqual(names(crond, file("81ed", "etc/init.d/crond")), [
      "services of runlevel default",
      "disabled services that are enabled",
    ]);
    assert.deepEqual(names(["shadow:root:!*", "shadow:root:*"]), ["root is locked", "users who can log in"]);
    assert.deepEqual(names(["shadow:alpine:*", "shadow:alpine:!"]), [
      "users who can log in",
      "password of the login user",
    ]);
  });

  it("says what was found and what was wanted", () => {
    const found = failures("bios", [
      ["fsck 0", "fsck 4"],
      ["release:3.23.6", "release:3.23.5"],
      ["package doas 1-r0", "package doas 1-r1"],
      ["2100 -  2500 31551", "2101 -  2500 31551"],
    ]);
    assert.equal(found.get("filesystem: errors that e2fsck finds"), "4, not 0");
    assert.equal(found.get("/etc/alpine-release"), "3.23.5, not 3.23.6");
    assert.equal(found.get("installed packages"), "without doas-1-r0; doas-1-r1, not wanted");
    assert.equal(found.get("/boot/vmlinuz-virt has no holes"), "2501 blocks, a hole at block 2100");
  });

  it("never shows a password's hash", () => {
    const found = failures("bios", [["shadow:alpine:*", "shadow:alpine:$6$salt$secrethash"]]);
    assert.deepEqual([...found.keys()], ["users with a password", "password of the login user"]);
    assert.ok(![...found.values()].join().includes("secret"));
  });

  it("does not pass a disk that nothing was told of", () => {
    const checks = checkFacts(readFacts([]), expectedDisk("bios"));
    assert.ok(checks.filter(({ passed }) => !passed).length > 50);
    assert.equal(checks.at(-1)?.name, "all facts told");
    assert.equal(checks.at(-1)?.passed, false);
  });

  describe("that an overlay's scripts had in their hands", () => {
    const customized = { customized: true };
    it("lets it have more packages, services, filesystems and logins, and another host name", () => {
      const more: Change[] = [
        add("line etc/apk/world:nc"),
        add("link './etc/runlevels/boot/sshd' -> '/etc/init.d/sshd'"),
        add("line etc/fstab:LABEL=data /data ext4 defaults 0 0"),
        ["inittab:#tty1", "inittab:tty1"],
        ["hostname:localhost", "hostname:mine"],
        ["iface eth0 inet dhcp", "iface eth0 inet static"],
      ];
      assert.deepEqual([...failures("bios", more, customized)], []);
      assert.equal(failures("bios", more).size, 6);
    });

    it("wants what is declared, and nothing that is unsafe", () => {
      const worse: [check: string, Change][] = [
        ["packages asked for, in /etc/apk/world", ["line etc/apk/world:doas\n", ""]],
        ["services of runlevel default", [/^link .*sshd.*\n/m, ""]],
        ["users with a password", ["shadow:sync:!:", "shadow:sync::"]],
        ["files that anybody can write", file("81b6", "usr/bin/tool")],
        ["left over: SSH host keys", file("8180", "etc/ssh/ssh_host_rsa_key")],
      ];
      for (const [check, change] of worse) {
        assert.deepEqual([...failures("bios", [change], customized).keys()], [check]);
      }
    });
  });

  it("asks cloud-init for its cloud's data source, and for a user who is not locked", () => {
    const { variant } = expectedDisk("bios");
    const cloudinit = { variant: { ...variant, bootstrap: "cloudinit", cloud: "aws" }, dataSource: "Ec2" };
    const line = (text: string): string => `line etc/cloud/cloud.cfg:${text}\n`;
    const facts: Change[] = [
      [/tiny-cloud-boot/g, "cloud-init-local"],
      [
        "line etc/tiny-cloud.conf:CLOUD_USER=alpine\n",
        `${line("     lock_passwd: False")}${line('datasource_list: ["None"]')}${line('datasource_list: ["Ec2"]')}`,
      ],
    ];
    assert.deepEqual([...failures("bios", facts, cloudinit)], []);
    const wrong: Change[] = [
      ['"Ec2"', '"Ec2", "None"'],
      ["lock_passwd: False", "lock_passwd: True"],
    ];
    assert.deepEqual(
      [...failures("bios", [...facts, ...wrong], cloudinit).keys()],
      ["data source of cloud-init", "users that cloud-init would lock"],
    );
  });

  it("wants partitions that end where they were declared to, on a disk that is larger", () => {
    const larger = { diskSizeMib: 1024 };
    const changes: Record<Firmware, Change[]> = {
      bios: [["sectors 409600", "sectors 2097152"]],
      uefi: [
        ["sectors 409600", "sectors 2097152"],
        ["409566", "2097118"],
      ],
    };
    for (const firmware of ["bios", "uefi"] as const) {
      assert.deepEqual([...failures(firmware, changes[firmware], larger)], []);
    }
  });

  it("asks edge for no release, and another architecture for its own loaders", () => {
    const { variant } = expectedDisk("uefi");
    const edge = { variant: { ...variant, version: "edge", release: "20261101" } };
    assert.deepEqual([...failures("uefi", [["release:3.23.6", "release:3.24_alpha"]], edge)], []);
    const arm = { variant: { ...variant, arch: "aarch64" as const } };
    const loaders: Change[] = [
      ["grubx64", "grubaa64"],
      ["bootx64", "bootaa64"],
    ];
    assert.deepEqual([...failures("uefi", loaders, arm)], []);
    assert.equal(failures("uefi", [], arm).size, 2);
  });
});
