import assert from "node:assert/strict";
import type { DiskFacts, PathFact } from "../../../../src/builder/disk-reader/facts.ts";
import { type ExpectedDisk, checkFacts } from "../../../../src/builder/disk-check/check-facts.ts";
import { expectedDisk, goodFacts } from "../../../helpers/disk-facts.ts";

type Firmware = "bios" | "uefi";
/** Makes good facts those of a bad disk. */
type Change = (facts: DiskFacts) => void;

/** Names of the checks that fail, with what was found. */
function failures(
  firmware: Firmware,
  changes: Change[],
  expected: Partial<ExpectedDisk> = {},
): Map<string, string> {
  const facts = goodFacts(firmware);
  for (const change of changes) {
    const before = structuredClone(facts);
    change(facts);
    assert.notDeepEqual(facts, before, "nothing was changed");
  }
  const checks = checkFacts(facts, { ...expectedDisk(firmware), ...expected });
  return new Map(checks.filter(({ passed }) => !passed).map(({ name, found }) => [name, found]));
}

/** Replaces a part of a text file. */
const text =
  (path: string, from: string, to: string): Change =>
  ({ texts }) =>
    void texts.set(path, texts.get(path)!.join("\n").replace(from, to).split("\n"));

const addLine =
  (path: string, line: string): Change =>
  ({ texts }) =>
    void texts.set(path, [...(texts.get(path) ?? []), line]);

/** Changes what is told of a path. */
const path =
  (name: string, change: Partial<PathFact>): Change =>
  ({ paths }) =>
    void paths.set(name, { ...paths.get(name)!, ...change });

const mode = (name: string, bits: number): Change => path(name, { mode: bits });

/** Adds a path, as of root's. */
const add =
  (name: string, bits = 0o644, change: Partial<PathFact> = {}): Change =>
  ({ paths }) => {
    const times: PathFact["times"] = [1790812800, 1790812800, 1790812800];
    paths.set(name, { kind: "file", mode: bits, uid: 0, gid: 0, times, size: 9, ...change });
  };

const rename =
  (from: string, to: string): Change =>
  ({ paths }) => {
    paths.set(to, paths.get(from)!);
    paths.delete(from);
  };

const link =
  (name: string, target = `/etc/init.d/${name.replace(/.*\//, "")}`): Change =>
  ({ links }) =>
    void links.set(`etc/runlevels/${name}`, target);

const unlink =
  (name: string): Change =>
  ({ links }) =>
    void links.delete(`etc/runlevels/${name}`);

const filesystem =
  (change: Partial<DiskFacts["filesystem"]>): Change =>
  (facts) =>
    void Object.assign(facts.filesystem, change);

/** Changes the last partition. */
const partition =
  (change: Partial<DiskFacts["table"]["partitions"][number]>): Change =>
  ({ table }) =>
    void Object.assign(table.partitions.at(-1)!, change);

const withoutModule =
  (name: string): Change =>
  ({ initramfsModules }) => {
    for (const module of initramfsModules) if (module.includes(name)) initramfsModules.delete(module);
  };

const extents =
  (name: string, blocks: [number, number][]): Change =>
  (facts) =>
    void facts.extents.set(name, blocks);

const kernelFolder = "lib/modules/6.18.56-0-virt";
const withHole: [number, number][] = [
  [0, 2099],
  [2101, 2500],
];

/** The check that must fail, and no other, when a disk differs from a good one by this. */
const faults: Record<Firmware, [check: string, ...Change[]][]> = {
  bios: [
    ["size of the disk, in sectors", (facts) => (facts.size -= 512)],
    ["type of the partition table", ({ table }) => (table.kind = "GPT")],
    ["identifier of the disk", ({ table }) => (table.id = "00000000")],
    ["partitions", partition({ active: false })],
    ["partitions", partition({ start: 2 ** 20 + 512 })],
    ["partitions", partition({ type: "82" })],
    ["partitions", ({ table }) => table.partitions.unshift({ ...table.partitions[0]!, number: 2 })],
    ["boot code of the disk", (facts) => (facts.bootCode = "0".repeat(64))],
    ["boot sector of the root filesystem", (facts) => (facts.bootSector = "")],
    ["filesystem: label", filesystem({ label: "root" })],
    ["filesystem: UUID", filesystem({ uuid: "0" })],
    ["filesystem: seed of directory hashes", filesystem({ hashSeed: "0" })],
    ["filesystem: state", filesystem({ clean: false })],
    ["filesystem: block size", filesystem({ blockSize: 8192 })],
    ["filesystem: number of blocks", filesystem({ blockCount: 50_000 })],
    ["filesystem: number of mounts", filesystem({ mountCount: 1 })],
    ["filesystem: start of the journal's replay", filesystem({ journalStart: 1 })],
    ["filesystem: start of the journal's replay", ({ filesystem }) => delete filesystem.journalStart],
    [
      "filesystem: features that a bootloader cannot read",
      ({ filesystem }) => filesystem.features.push("64bit", "orphan_file"),
    ],
    ["filesystem: features", ({ filesystem }) => filesystem.features.shift()],
    ["filesystem: time of its creation", filesystem({ created: 1790812801 })],
    ["filesystem: time of its last write", filesystem({ written: 1790899200 })],
    ["filesystem: time of its last check", filesystem({ checked: 0 })],
    ["free space that is not blank", ({ writtenFreeBlocks }) => writtenFreeBlocks.push([40_000, 40_255])],
    ["kernels with modules", add("lib/modules/6.18.55-0-virt", 0o755, { kind: "folder" })],
    ["kernels in /boot", add("boot/initramfs-lts", 0o600)],
    ["/boot/vmlinuz-virt has no holes", extents("boot/vmlinuz-virt", withHole)],
    ["/boot/vmlinuz-virt has no holes", extents("boot/vmlinuz-virt", [[0, 2099]])],
    ["/boot/initramfs-virt has no holes", extents("boot/initramfs-virt", [[0, 1]])],
    ["/boot/ldlinux.sys has no holes", extents("boot/ldlinux.sys", [[1, 1]])],
    ["files of the bootloader", rename("boot/ldlinux.c32", "boot/ldlinux.c33")],
    [
      "kernel line of /boot/extlinux.conf",
      text("boot/extlinux.conf", "APPEND root=LABEL=/", "APPEND root=/dev/vda1"),
    ],
    [
      "kernel line of /boot/extlinux.conf",
      text("boot/extlinux.conf", " console=ttyS0,115200n8 quiet", " quiet console=ttyS0,115200n8"),
    ],
    [
      "kernel line of /boot/extlinux.conf",
      text("boot/extlinux.conf", "APPEND root=LABEL=/", "APPEND root=LABEL=/ init=/bin/sh"),
    ],
    [
      "kernel line of /boot/extlinux.conf",
      text("boot/extlinux.conf", "INITRD initramfs-virt", "INITRD initramfs-lts"),
    ],
    [
      "kernel line of /boot/extlinux.conf",
      text("boot/extlinux.conf", "LINUX vmlinuz-virt", "LINUX vmlinuz-lts"),
    ],
    [
      "root for future kernels, in /etc/update-extlinux.conf",
      text("etc/update-extlinux.conf", "root=LABEL=/", "root=UUID=1"),
    ],
    [
      "modules for future kernels, in /etc/update-extlinux.conf",
      text("etc/update-extlinux.conf", "modules=sd-mod,ext4", "modules=ext4"),
    ],
    [
      "options for future kernels, in /etc/update-extlinux.conf",
      text("etc/update-extlinux.conf", 'opts="console=ttyS0,115200n8 ', 'opts="'),
    ],
    [
      "modules missing from the kernel",
      rename(`${kernelFolder}/kernel/scsi/sd_mod.ko.gz`, `${kernelFolder}/kernel/scsi/sg.ko.gz`),
    ],
    ["modules of its features missing from the initramfs", withoutModule("nvme")],
    [
      "modules of its features missing from the initramfs",
      withoutModule("ext4"),
      ({ builtinModules }) => builtinModules.add("ext4"),
    ],
    ["modules of the kernel line missing from the initramfs", withoutModule("sd_mod")],
    [
      "features of the initramfs, in /etc/mkinitfs/mkinitfs.conf",
      text("etc/mkinitfs/mkinitfs.conf", "ext4 nvme", "ext4"),
    ],
    [
      "features of the initramfs that mkinitfs does not know",
      rename("etc/mkinitfs/features.d/nvme.modules", "etc/nvme.modules"),
    ],
    ["mkinitfs' trigger is off", addLine("etc/mkinitfs/mkinitfs.conf", 'disable_trigger="yes"')],
    ["installed packages", ({ packages }) => packages.set("doas", "1-r1")],
    ["installed packages", ({ packages }) => packages.set("nc", "1-r0")],
    ["packages asked for, in /etc/apk/world", text("etc/apk/world", "sudo@edge", "sudo")],
    ["packages asked for, in /etc/apk/world", addLine("etc/apk/world", "nc")],
    ["/etc/apk/repositories", text("etc/apk/repositories", "#https", "https")],
    ["keys that apk trusts beside Alpine's", add("etc/apk/keys/mirror.rsa.pub")],
    [
      "keys that apk trusts beside Alpine's",
      ({ sums }) => sums.set("etc/apk/keys/mine.rsa.pub", "6".repeat(64)),
    ],
    ["services of runlevel boot", link("boot/sshd")],
    [
      "services of runlevel default",
      unlink("default/sshd"),
      link("default/tiny-cloud"),
      rename("etc/init.d/sshd", "etc/init.d/tiny-cloud"),
    ],
    ["enabled services without a program", rename("etc/init.d/sshd", "etc/init.d/ssh")],
    ["enabled services without a program", mode("etc/init.d/sshd", 0o644)],
    ["enabled services without a program", link("default/sshd", "/etc/init.d/ssh")],
    ["services of Tiny Cloud", unlink("boot/tiny-cloud-boot")],
    ["/etc/alpine-release", text("etc/alpine-release", "3.23.6", "3.23.5")],
    ["/etc/motd", text("etc/motd", "to Alpine", "to Debian")],
    ["/etc/hostname", text("etc/hostname", "localhost", "builder")],
    ["/etc/network/interfaces", text("etc/network/interfaces", "inet dhcp", "inet static")],
    ["filesystems of /etc/fstab", text("etc/fstab", "LABEL=/ ", "/dev/vda1 ")],
    ["terminals with a login, in /etc/inittab", text("etc/inittab", "#tty1", "tty1")],
    ["terminals with a login, in /etc/inittab", text("etc/inittab", "ttyS0::", "#ttyS0::")],
    ["time servers of /etc/chrony/chrony.conf", addLine("etc/chrony/chrony.conf", "pool pool.ntp.org")],
    ["rules of doas, in /etc/doas.d/wheel.conf", text("etc/doas.d/wheel.conf", ":wheel", ":users")],
    ["rules of sudo, in /etc/sudoers.d/wheel", addLine("etc/sudoers.d/wheel", "ALL ALL=(ALL) NOPASSWD: ALL")],
    ["user of Tiny Cloud", text("etc/tiny-cloud.conf", "CLOUD_USER", "#CLOUD_USER")],
    ["users who can log in", text("etc/shadow", "postgres:!", "postgres:*")],
    ["users with a password", text("etc/shadow", "sync:!:", "sync::")],
    ["users who are root", text("etc/passwd", "daemon:x:2:2:", "daemon:x:0:2:")],
    [
      "numbers of the login user",
      text("etc/passwd", "alpine:x:1000:", "alpine:x:70:"),
      path("home/alpine", { uid: 70 }),
    ],
    ["groups of the login user", text("etc/group", "wheel:x:10:root,alpine", "wheel:x:10:root")],
    ["shell of the login user", text("etc/passwd", "/home/alpine:/bin/sh", "/home/alpine:/bin/zsh")],
    ["home of the login user", path("home/alpine", { uid: 0 })],
    ["permissions of /", mode(".", 0o775)],
    ["permissions of /etc", mode("etc", 0o775)],
    ["permissions of /root", mode("root", 0o755)],
    ["permissions of /tmp", mode("tmp", 0o777)],
    ["permissions of /var/tmp", mode("var/tmp", 0o755)],
    ["permissions of /etc/passwd", mode("etc/passwd", 0o664)],
    ["permissions of /etc/group", path("etc/group", { gid: 42 })],
    ["permissions of /etc/shadow", mode("etc/shadow", 0o644)],
    ["permissions of /etc/apk/repositories", mode("etc/apk/repositories", 0o755)],
    ["permissions of /etc/doas.d/wheel.conf", mode("etc/doas.d/wheel.conf", 0o644)],
    ["permissions of /etc/sudoers.d/wheel", mode("etc/sudoers.d/wheel", 0o444)],
    ["files that anybody can write", add("usr/bin/tool", 0o666)],
    ["files that anybody can write", add("srv", 0o1777, { kind: "folder" })],
    ["set-uid or set-gid files that belong to no package", add("usr/bin/tool", 0o4755)],
    ["files of users and groups that do not exist", add("usr/bin/tool", 0o644, { uid: 501, gid: 20 })],
    ["initramfs that others can read", mode("boot/initramfs-virt", 0o644)],
    ["devices, sockets and pipes", add("srv/sda", 0o660, { kind: "other" })],
    ["left over: SSH host keys", add("etc/ssh/ssh_host_rsa_key", 0o600)],
    ["left over: identities of a machine", add("etc/machine-id")],
    ["left over: keys to log in as root", add("root/.ssh/authorized_keys", 0o600)],
    ["left over: shell histories", add("root/.ash_history", 0o600)],
    ["left over: name servers of the build", add("etc/resolv.conf")],
    ["left over: logs", add("var/log/apk.log")],
    ["left over: temporary files", add("var/tmp/x")],
    ["left over: files of the build", add("mnt/x")],
    ["left over: cached packages", add("var/cache/apk/APKINDEX.1.tar.gz")],
    ["left over: configuration files that wait for a decision", add("etc/motd.apk-new")],
    ["left over: earlier versions of user lists", add("etc/shadow-", 0o600)],
    ["files whose time is not the release's", path("root", { times: [1790812800, 1790812801, 1790812800] })],
    [
      "files whose time is not the release's",
      path("root", { times: [1790812800, 1790812800, 1790812800.5] }),
    ],
  ],
  uefi: [
    ["type of the partition table", ({ table }) => (table.kind = "MBR")],
    ["identifier of the disk", ({ table }) => (table.id = table.id.replace(/^../, "zz"))],
    ["partitions", partition({ type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" })],
    ["partitions", partition({ name: "root" })],
    ["partitions", partition({ id: "0" })],
    ["last usable sector", ({ table }) => (table.usableEnd -= 512)],
    ["labels and identifier of the EFI system partition", ({ efi }) => (efi!.label = "ESP")],
    ["labels and identifier of the EFI system partition", ({ efi }) => delete efi!.rootLabel],
    ["labels and identifier of the EFI system partition", ({ efi }) => (efi!.volumeId = "0")],
    ["files of the EFI system partition", ({ efi }) => efi!.files.set("/EFI/boot/x", "2".repeat(64))],
    ["bootloader in the fallback path", ({ efi }) => efi!.files.set("/EFI/boot/bootx64.efi", "3".repeat(64))],
    ["kernel line of /boot/grub/grub.cfg", text("boot/grub/grub.cfg", "root=LABEL=/ ro", "root=UUID=1 ro")],
    [
      "kernel line of /boot/grub/grub.cfg",
      text("boot/grub/grub.cfg", "/boot/initramfs-virt", "/boot/initramfs"),
    ],
    [
      "options for future kernels, in /etc/default/grub",
      text("etc/default/grub", 'DEFAULT="modules=sd-mod,', 'DEFAULT="modules='),
    ],
    ["filesystems of /etc/fstab", text("etc/fstab", "LABEL=EFI", "#LABEL=EFI")],
  ],
};

describe("the judge of a finished disk", () => {
  for (const firmware of ["bios", "uefi"] as const) {
    it(`passes a good one of ${firmware}`, () => assert.deepEqual([...failures(firmware, [])], []));

    for (const [index, [check, ...changes]] of faults[firmware].entries()) {
      it(`sees on ${firmware}: ${check} (fault ${index})`, () =>
        assert.deepEqual([...failures(firmware, changes).keys()], [check]));
    }
  }

  it("has no check that no fault fails", () => {
    const tried = new Set(Object.values(faults).flatMap((list) => list.map(([check]) => check)));
    const all = (["bios", "uefi"] as const).flatMap((firmware) =>
      checkFacts(goodFacts(firmware), expectedDisk(firmware)).map(({ name }) => name),
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
    assert.deepEqual(
      names(({ packages }) => packages.delete("sudo")),
      ["installed packages", "packages asked for that are installed"],
    );
    assert.deepEqual(
      names(({ packages }) => packages.set("tcpdump", "1-r0")),
      ["installed packages", "deleted packages that are installed"],
    );
    assert.deepEqual(names(link("default/crond"), add("etc/init.d/crond", 0o755)), [
      "services of runlevel default",
      "disabled services that are enabled",
    ]);
    assert.deepEqual(names(text("etc/shadow", "root:!*", "root:*")), [
      "root is locked",
      "users who can log in",
    ]);
    assert.deepEqual(names(text("etc/shadow", "alpine:*", "alpine:!")), [
      "users who can log in",
      "password of the login user",
    ]);
  });

  it("says what was found and what was wanted", () => {
    const found = failures("bios", [
      text("etc/alpine-release", "3.23.6", "3.23.5"),
      ({ packages }) => packages.set("doas", "1-r1"),
      extents("boot/vmlinuz-virt", withHole),
    ]);
    assert.equal(found.get("/etc/alpine-release"), "3.23.5, not 3.23.6");
    assert.equal(found.get("installed packages"), "without doas-1-r0; doas-1-r1, not wanted");
    assert.equal(found.get("/boot/vmlinuz-virt has no holes"), "2501 blocks, a hole at block 2100");
  });

  it("never shows a password's hash", () => {
    const found = failures("bios", [text("etc/shadow", "alpine:*", "alpine:$6$salt$secrethash")]);
    assert.deepEqual([...found.keys()], ["users with a password", "password of the login user"]);
    assert.ok(![...found.values()].join().includes("secret"));
  });

  describe("that an overlay's scripts had in their hands", () => {
    const customized = { customized: true };
    it("lets it have more packages, services, filesystems and logins, and another host name", () => {
      const more: Change[] = [
        addLine("etc/apk/world", "nc"),
        link("boot/sshd"),
        addLine("etc/fstab", "LABEL=data /data ext4 defaults 0 0"),
        text("etc/inittab", "#tty1", "tty1"),
        text("etc/hostname", "localhost", "mine"),
        text("etc/network/interfaces", "inet dhcp", "inet static"),
      ];
      assert.deepEqual([...failures("bios", more, customized)], []);
      assert.equal(failures("bios", more).size, 6);
    });

    it("wants what is declared, and nothing that is unsafe", () => {
      const worse: [check: string, Change][] = [
        ["packages asked for, in /etc/apk/world", text("etc/apk/world", "doas\n", "")],
        ["services of runlevel default", unlink("default/sshd")],
        ["users with a password", text("etc/shadow", "sync:!:", "sync::")],
        ["files that anybody can write", add("usr/bin/tool", 0o666)],
        ["left over: SSH host keys", add("etc/ssh/ssh_host_rsa_key", 0o600)],
      ];
      for (const [check, change] of worse) {
        assert.deepEqual([...failures("bios", [change], customized).keys()], [check]);
      }
    });
  });

  it("asks cloud-init for its cloud's data source, and for a user who is not locked", () => {
    const { variant } = expectedDisk("bios");
    const cloudinit = { variant: { ...variant, bootstrap: "cloudinit", cloud: "aws" }, dataSource: "Ec2" };
    const cloudCfg = ["     lock_passwd: False", 'datasource_list: ["None"]', 'datasource_list: ["Ec2"]'];
    const facts: Change[] = [
      unlink("boot/tiny-cloud-boot"),
      link("boot/cloud-init-local"),
      rename("etc/init.d/tiny-cloud-boot", "etc/init.d/cloud-init-local"),
      ({ texts }) => texts.delete("etc/tiny-cloud.conf"),
      ({ texts }) => texts.set("etc/cloud/cloud.cfg", cloudCfg),
    ];
    assert.deepEqual([...failures("bios", facts, cloudinit)], []);
    const wrong: Change[] = [
      text("etc/cloud/cloud.cfg", '"Ec2"', '"Ec2", "None"'),
      text("etc/cloud/cloud.cfg", "lock_passwd: False", "lock_passwd: True"),
    ];
    assert.deepEqual(
      [...failures("bios", [...facts, ...wrong], cloudinit).keys()],
      ["data source of cloud-init", "users that cloud-init would lock"],
    );
  });

  it("wants partitions that end where they were declared to, on a disk that is larger", () => {
    const larger = { diskSizeMib: 1024 };
    const grow: Change = (facts) => {
      facts.size += 824 * 2 ** 20;
      facts.table.usableEnd += 824 * 2 ** 20;
    };
    for (const firmware of ["bios", "uefi"] as const) {
      assert.deepEqual([...failures(firmware, [grow], larger)], []);
    }
  });

  it("asks edge for no release, and another architecture for its own loaders", () => {
    const { variant } = expectedDisk("uefi");
    const edge = { variant: { ...variant, version: "edge", release: "20261101" } };
    assert.deepEqual([...failures("uefi", [text("etc/alpine-release", "3.23.6", "3.24_alpha")], edge)], []);
    const arm = { variant: { ...variant, arch: "aarch64" as const } };
    const loaders: Change[] = [
      ({ efi }) => {
        efi!.files = new Map([...efi!.files].map(([file, sum]) => [file.replace("x64", "aa64"), sum]));
      },
    ];
    assert.deepEqual([...failures("uefi", loaders, arm)], []);
    assert.equal(failures("uefi", [], arm).size, 2);
  });
});
