/**
 * Installs from the mirror with Alpine's own apk, out of the mirror, and runs what was installed. This needs the made
 * mirror (`npm start` makes it; OFFLINE_MIRROR names another place) and root for chroot, and changes nothing outside a
 * temporary directory.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../../helpers/project-copy.ts";
import { writeIndex } from "../../../offline-kit/mirror/apk-index.ts";
import { writePackage, type Package } from "../../../offline-kit/mirror/apk-package.ts";
import type { MirrorManifest } from "../../../offline-kit/mirror/build-mirror.ts";
import { createKey } from "../../../offline-kit/mirror/signing.ts";
import { serveDirectory, type DirectoryServer, type Fault } from "../../../offline-kit/mirror/serve.ts";
import { loadVariants } from "../../helpers/configuration.ts";

const mirror = resolve(process.env["OFFLINE_MIRROR"] ?? ".tools/offline/mirror");
const shared = ["alpine-base", "linux-virt", "chrony", "e2fsprogs", "openssh", "doas", "tzdata", "dhcpcd"];
const bios = [...shared, "tiny-cloud-nocloud", "syslinux"];
const uefi = [...shared, "tiny-cloud-nocloud", "grub-efi", "dosfstools"];
const cloudinit = [
  ...shared.filter((name) => name !== "dhcpcd" && name !== "linux-virt"),
  "cloud-init",
  "dhclient",
  "openssh-server-pam",
  "e2fsprogs-extra",
  "mount",
];
const appliance = [
  "apk-tools",
  "busybox",
  "e2fsprogs",
  "e2fsprogs-extra",
  "sfdisk",
  "dosfstools",
  "mtools",
  "tar",
];
const services = [
  "devfs",
  "dmesg",
  "hwdrivers",
  "mdev",
  "acpid",
  "bootmisc",
  "hostname",
  "hwclock",
  "modules",
  "swap",
  "sysctl",
  "syslog",
  "chronyd",
  "networking",
  "sshd",
  "dhcpcd",
  "killprocs",
  "mount-ro",
  "savecache",
  "tiny-cloud-boot",
  "tiny-cloud-early",
  "tiny-cloud-main",
  "tiny-cloud-final",
];

describe("installing from the offline mirror", function () {
  this.timeout(180_000);
  let work = "";
  let server: DirectoryServer;
  const faults: Fault[] = [];

  before(async function () {
    const manifest = await readManifest();
    if (manifest === undefined || process.getuid?.() !== 0 || process.arch !== "x64") {
      console.log(`      skipped: needs root, x86_64 and a mirror in ${mirror} (npm start makes it)`);
      this.skip();
    }
    work = await mkdtemp(join(tmpdir(), "offline-mirror-"));
    server = await serveDirectory(mirror, { faults });
    await unpackApk(join(work, "apk"));
  });
  after(async () => {
    if (work === "") return;
    await server.close();
    await rm(work, { recursive: true, force: true });
  });
  beforeEach(() => {
    faults.length = 0;
  });

  const branch = "v3.23";
  const install = (name: string, packages: readonly string[], keys = join(mirror, "keys")) =>
    runApk(work, join(work, name), [
      "add",
      "--initdb",
      "--arch",
      "x86_64",
      "--no-cache",
      "--keys-dir",
      keys,
      "--repository",
      `${server.url}/${branch}/main`,
      "--repository",
      `${server.url}/${branch}/community`,
      ...packages,
    ]);
  const within = (name: string, command: string) =>
    execa("chroot", [join(work, name), "/bin/sh", "-ec", command], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
      extendEnv: false,
      all: true,
    });

  it("gives a BIOS system, every signature checked", async () => {
    await install("bios", bios);
    await makeNullDevice(join(work, "bios"));
    const missing = [];
    const present = await readdir(join(work, "bios/etc/init.d"));
    for (const service of services) if (!present.includes(service)) missing.push(service);
    assert.deepEqual(missing, []);
    await within("bios", "test -s /boot/vmlinuz-virt && test -s /boot/initramfs-virt");
  });

  it("has nothing of the people who made the wheel", async () => {
    const etc = join(work, "bios/etc");
    const found = await execa("grep", ["-rlI", "quicksand", etc], { reject: false });
    assert.equal(found.stdout, "");
    assert.doesNotMatch(await readFile(join(etc, "rc.conf"), "utf8"), /^rc_sys/m);
    assert.equal(await readFile(join(etc, "modules"), "utf8"), "af_packet\nipv6\n");
    assert.equal(await readFile(join(etc, "hostname"), "utf8"), "localhost\n");
    assert.ok(!(await readdir(etc)).some((name) => name.startsWith("sudoers")));
    assert.ok(!(await readdir(join(etc, "init.d"))).some((name) => /quicksand|setup-dns/.test(name)));
  });

  it("has sudo with no more than its own sudoers", async () => {
    await install("sudo", ["sudo", "alpine-baselayout"]);
    assert.deepEqual(await readdir(join(work, "sudo/etc/sudoers.d")), []);
    assert.doesNotMatch(await readFile(join(work, "sudo/etc/sudoers"), "utf8"), /^[^#].*NOPASSWD/m);
  });

  it("runs Debian's programs: sshd, chronyd, extlinux", async () => {
    const { all } = await within(
      "bios",
      "ssh-keygen -A >/dev/null; mkdir -p /run/sshd; sshd -t; chronyd --version; extlinux --version; ssh -V",
    );
    assert.match(all, /chronyd \(chrony\) version/);
    assert.match(all, /extlinux \d/);
    assert.match(all, /OpenSSH_\d/);
    assert.match(await readFile(join(work, "bios/etc/ssh/sshd_config"), "utf8"), /^UsePAM no$/m);
  });

  it("lets doas obey /etc/doas.d/wheel.conf: who is in wheel may, others may not", async () => {
    const { stdout } = await within(
      "bios",
      [
        "adduser -D alice; addgroup alice wheel; adduser -D bob",
        "echo 'permit nopass :wheel' >/etc/doas.d/wheel.conf",
        "su alice -c 'doas -u root id -u'",
        "if su bob -c 'doas -u root id -u' 2>/dev/null; then echo bob may; fi",
      ].join("\n"),
    );
    assert.equal(stdout, "0");
  });

  it("writes the boot menu of extlinux from its settings", async () => {
    await within(
      "bios",
      "sed -i 's/^root=.*/root=LABEL=\\//; s/^default=.*/default=virt/' /etc/update-extlinux.conf; update-extlinux --verbose",
    );
    const menu = await readFile(join(work, "bios/boot/extlinux.conf"), "utf8");
    assert.match(menu, /^LABEL virt\n {2}MENU DEFAULT\n/m);
    assert.match(menu, /^ {2}APPEND root=LABEL=\/ modules=sd-mod,usb-storage,ext4 quiet$/m);
    assert.doesNotMatch(menu, /Found kernel/);
  });

  it("adds Tiny Cloud's services to their runlevels", async () => {
    await within("bios", "tiny-cloud --enable");
    assert.deepEqual(await readdir(join(work, "bios/etc/runlevels/boot")), ["tiny-cloud-boot"]);
    assert.deepEqual((await readdir(join(work, "bios/etc/runlevels/default"))).sort(), [
      "tiny-cloud-early",
      "tiny-cloud-final",
      "tiny-cloud-main",
    ]);
  });

  it("has a Tiny Cloud that takes host name, keys and script from the instance's data, once", async () => {
    const data = join(work, "bios/data");
    await mkdir(data);
    await writeFile(
      join(data, "meta-data"),
      "instance-id: i-1\nlocal-hostname: 'tried.example.org'\npublic-keys:\n  - ssh-ed25519 AAA one\n",
    );
    await writeFile(
      join(data, "user-data"),
      '#cloud-config\nssh_authorized_keys:\n  - "ssh-ed25519 BBB two"\nother:\n  - ssh-ed25519 CCC three\n',
    );
    const phases = "for phase in boot early main final; do tiny-cloud $phase; done";
    const { stdout } = await within(
      "bios",
      [
        "mkdir -p /clouds/clouds; cp /usr/lib/tiny-cloud/common.sh /clouds",
        // no kernel of its own here: neither blkid nor a root to grow, so a cloud that reads a directory
        "printf 'test_fetch() { cp /data/* \"$1\"; }\\n' >/clouds/clouds/test.sh",
        "echo 'grow_root() { :; }' >>/clouds/common.sh",
        "sed -i 's/hostname -F/true/' /clouds/common.sh",
        "echo 'CLOUD_USER=alice' >>/etc/tiny-cloud.conf",
        "export TINY_CLOUD_LIBRARY=/clouds",
        phases,
        "tiny-cloud --bootstrap status; cat /etc/hostname /home/alice/.ssh/authorized_keys",
        "tail -n 1 /etc/hosts; stat -c '%U %a' /home/alice/.ssh /home/alice/.ssh/authorized_keys",
        "printf 'instance-id: i-2\\nhostname: second\\n' >/data/meta-data",
        "printf '#!/bin/sh\\necho ran >>/ran\\n' >/data/user-data",
        // an instance that was set up once stays as it is, until it is told to start over
        `${phases}; cat /etc/hostname; tiny-cloud --bootstrap incomplete; ${phases}; ${phases}`,
        "cat /etc/hostname /ran",
      ].join("\n"),
    );
    assert.deepEqual(stdout.split("\n"), [
      "complete",
      "tried",
      "ssh-ed25519 AAA one",
      "ssh-ed25519 BBB two",
      "127.0.1.1\ttried.example.org tried",
      "alice 700",
      "alice 600",
      "tried",
      "second",
      "ran",
    ]);
  });

  it("gives a UEFI system with GRUB and FAT tools", async () => {
    await install("uefi", uefi);
    await makeNullDevice(join(work, "uefi"));
    const { all } = await within("uefi", "grub-install --version; grub-mkconfig --version; mkfs.fat --help");
    assert.match(all, /grub-install \(GRUB\) 2/);
    const modules = await readdir(join(work, "uefi/usr/lib/grub/x86_64-efi"));
    for (const name of ["kernel.img", "modinfo.sh", "ext2.mod", "part_gpt.mod", "search_fs_uuid.mod"]) {
      assert.ok(modules.includes(name), name);
    }
  });

  it("gives a system with cloud-init, its services and what it calls", async () => {
    await install("cloudinit", cloudinit);
    await makeNullDevice(join(work, "cloudinit"));
    const { stdout } = await within(
      "cloudinit",
      [
        "cloud-init --version; python3 -c 'import ctypes, lzma, ssl; print(ssl.HAS_TLSv1_3)'",
        "ip -V; blkid -V; mount -V; growpart --help | head -n 1; resize2fs 2>&1 | head -n 1",
        "useradd -m -G wheel carol; id -Gn carol; dhclient --version 2>&1",
        "ssh-keygen -A >/dev/null; mkdir -p /run/sshd; sshd.pam -o UsePAM=yes -t; setup-cloud-init; ls /etc/runlevels/boot /etc/runlevels/default",
      ].join("\n"),
    );
    for (const line of [
      /^\/usr\/bin\/cloud-init \d+\.\d/m,
      /^True$/m,
      /^ip utility, iproute2/m,
      /^carol wheel$/m,
    ])
      assert.match(stdout, line);
    assert.match(stdout, /^isc-dhclient-/m);
    assert.match(stdout, /cloud-init-local\n.*cloud-config\ncloud-final\ncloud-init$/s);
    const present = await readdir(join(work, "cloudinit/etc/init.d"));
    assert.ok(present.includes("cloud-init-hotplugd"));
  });

  it("lets cloud-init set up an instance as a seed says, from its one data source", async () => {
    const root = join(work, "cloudinit");
    const configuration = join(root, "etc/cloud/cloud.cfg");
    // Twice in the file, as images have it: the one that was added counts.
    await writeFile(
      configuration,
      `${(await readFile(configuration, "utf8")).replace("lock_passwd: True", "lock_passwd: False")}\ndatasource_list: ["NoCloud"]\n`,
    );
    const seed = join(root, "var/lib/cloud/seed/nocloud");
    await mkdir(seed, { recursive: true });
    await writeFile(join(seed, "meta-data"), "instance-id: i-1\nlocal-hostname: tried\n");
    await writeFile(
      join(seed, "user-data"),
      "#cloud-config\nssh_authorized_keys:\n  - ssh-ed25519 AAAA one\nusers:\n  - default\n  - name: dave\n    groups: wheel\n",
    );
    const commands = [
      "adduser -D alpine; echo 'alpine:*' | chpasswd -e; mount -t proc proc /proc",
      // no network and no disk to grow here
      "sed -i -e '/- growpart/d' -e '/- resizefs/d' -e '/- mounts/d' -e '/- disk_setup/d' /etc/cloud/cloud.cfg",
      "echo 'network: {config: disabled}' >>/etc/cloud/cloud.cfg",
      "cloud-init init --local; cloud-init init",
    ];
    // A host name and mounts of its own: this machine keeps its name.
    await execa("unshare", ["--uts", "--mount", "chroot", root, "/bin/sh", "-ec", commands.join("\n")], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
      extendEnv: false,
    });
    assert.equal(
      await readFile(join(root, "home/alpine/.ssh/authorized_keys"), "utf8"),
      "ssh-ed25519 AAAA one\n",
    );
    assert.equal((await readFile(join(root, "etc/hostname"), "utf8")).trim(), "tried");
    assert.match(await readFile(join(root, "etc/passwd"), "utf8"), /^dave:/m);
    const shadow = await readFile(join(root, "etc/shadow"), "utf8");
    assert.match(shadow, /^alpine:\*:/m);
    assert.match(shadow, /^dave:!/m);
  });

  it("has all that apk needs for each of this release's images, on both architectures", async () => {
    const variants = loadVariants({ root: projectRoot }).filter(({ release }) => release === "3.23.6");
    const lists = new Map(
      variants.map(({ arch, packages }) => [[arch, ...packages.add, ...packages.noScripts].join(" "), arch]),
    );
    assert.ok(lists.size >= 20);
    for (const arch of new Set(lists.values())) {
      const root = join(work, `chosen-${arch}`);
      const options = ["--arch", arch, "--no-cache", "--keys-dir", join(mirror, "keys")];
      const repositories = ["main", "community"].flatMap((name) => [
        "--repository",
        `${server.url}/${branch}/${name}`,
      ]);
      await runApk(work, root, ["add", "--initdb", ...options]);
      // Another machine's packages can be chosen here as well, though not be run.
      for (const [list] of [...lists].filter(([, one]) => one === arch))
        await runApk(work, root, [
          "add",
          "--simulate",
          ...options,
          ...repositories,
          ...list.split(" ").slice(1),
        ]);
    }
  });

  it("gives the tools that make file systems", async () => {
    await install("appliance", appliance);
    await makeNullDevice(join(work, "appliance"));
    const { stdout } = await within(
      "appliance",
      [
        "truncate -s 2M fat; mkfs.fat --invariant -i 12345678 fat >/dev/null",
        "mmd -i fat ::EFI; echo hello >a; mcopy -i fat a ::EFI/A; mtype -i fat ::EFI/A",
        "tar --xattrs --numeric-owner --sort=name -cf x.tar bin; tar -tf x.tar | head -n 1",
        "truncate -s 8M disk; mke2fs -q -t ext4 -L / disk 2>/dev/null; e2fsck -fn disk >/dev/null 2>&1; e2label disk",
        "printf 'label: gpt\\n,1M\\n' | sfdisk -q fat; sfdisk -d fat | grep -c ^fat1",
      ].join("\n"),
    );
    assert.deepEqual(stdout.split("\n"), ["hello", "bin/", "/", "1"]);
  });

  it("fails when one byte of a package differs", async () => {
    faults.push({ kind: "flip", path: /\/musl-[\d.]+-r\d+\.apk$/, offset: -1000 });
    await assert.rejects(
      install("flipped", ["musl"]),
      /ERROR: musl-.*: file format is invalid or inconsistent/,
    );
  });

  it("fails when one byte of an index differs", async () => {
    faults.push({ kind: "flip", path: /main\/x86_64\/APKINDEX\.tar\.gz$/, offset: 3000 });
    await assert.rejects(install("flipped-index", ["musl"]), /main.*APKINDEX.tar.gz: file format is invalid/);
  });

  it("fails when a package is whole, but not the one that was signed", async () => {
    const keys = join(work, "own-keys");
    const directory = join(work, "own/x86_64");
    await mkdir(keys);
    await mkdir(directory, { recursive: true });
    const [trusted, stranger] = [createKey(), createKey()];
    await writeFile(join(keys, trusted.name), trusted.publicPem);
    const genuine = await writePackage(smallPackage("genuine"), trusted);
    await writeFile(join(directory, "APKINDEX.tar.gz"), await writeIndex([genuine], "own", trusted));
    const addSmall = (name: string) =>
      runApk(work, join(work, name), [
        "add",
        "--initdb",
        "--arch",
        "x86_64",
        "--no-cache",
        "--keys-dir",
        keys,
        "--repository",
        join(work, "own"),
        "small",
      ]);
    await writeFile(join(directory, genuine.fileName), genuine.bytes);
    await addSmall("genuine");
    for (const key of [stranger, trusted]) {
      const other = await writePackage(smallPackage("something else"), key);
      await writeFile(join(directory, other.fileName), other.bytes);
      await assert.rejects(addSmall("replaced"), /ERROR: small-1-r0/);
    }
  });

  it("fails without the mirror's key", async () => {
    const empty = join(work, "no-keys");
    await mkdir(empty);
    await assert.rejects(install("untrusted", ["musl"], empty), /UNTRUSTED|untrusted/);
  });

  it("does not serve the private key", async () => {
    const keys = await readdir(join(mirror, "keys"));
    assert.ok(keys.length === 1 && keys[0]?.endsWith(".rsa.pub") === true);
    const found = await execa("grep", ["-rlI", "PRIVATE KEY", mirror], { reject: false });
    assert.equal(found.stdout, "");
  });
});

async function readManifest(): Promise<MirrorManifest | undefined> {
  const text = await readFile(join(mirror, "manifest-x86_64.json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as MirrorManifest);
}

/** Alpine's own apk with the libraries it needs, out of the mirror's packages. */
async function unpackApk(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const directory = join(mirror, "v3.23/main/x86_64");
  const files = await readdir(directory);
  for (const name of ["musl", "apk-tools", "libapk", "zlib", "libcrypto3", "libssl3"]) {
    const file = files.find((one) => new RegExp(`^${name}-\\d[^-]*-r\\d+\\.apk$`).test(one));
    assert.ok(file !== undefined, `the mirror has no ${name}`);
    await execa("tar", ["-xzf", join(directory, file), "-C", target], { stderr: "ignore" });
  }
}

async function runApk(work: string, root: string, options: readonly string[]): Promise<string> {
  const program = join(work, "apk");
  await mkdir(root, { recursive: true });
  const libraries = `${program}/lib:${program}/usr/lib`;
  const loader = ["--library-path", libraries, join(program, "sbin/apk")];
  const { stdout } = await execa(join(program, "lib/ld-musl-x86_64.so.1"), [
    ...loader,
    "--root",
    root,
    ...options,
  ]);
  return stdout;
}

async function makeNullDevice(root: string): Promise<void> {
  await mkdir(join(root, "dev"), { recursive: true });
  for (const [name, minor] of Object.entries({ null: "3", zero: "5", urandom: "9" })) {
    await execa("mknod", ["-m", "666", join(root, "dev", name), "c", "1", minor], { reject: false });
  }
}

/** A package with one file of this text. */
function smallPackage(text: string): Package {
  const info = {
    name: "small",
    version: "1-r0",
    description: "small",
    url: "https://example.org",
    architecture: "x86_64",
    license: "MIT",
    origin: "small",
    buildDate: 1_700_000_000,
    depends: [],
    provides: [],
    replaces: [],
    installIf: [],
    triggers: [],
  };
  const content = Buffer.from(text);
  return {
    info,
    scripts: {},
    files: [{ kind: "file", path: "etc/small", mode: 0o644, uid: 0, gid: 0, content }],
  };
}
