import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Variant } from "../../src/configuration/variant.ts";
import type * as BuildDisk from "../../src/builder/build-disk.ts";
import { buildDisk } from "../../src/builder/build-disk.ts";
import type { BuildSettings } from "../../src/builder/build-settings.ts";
import type { GuestJob } from "../../src/builder/guest-job.ts";
import { runJob } from "../../src/builder/guest.ts";
import { jobArchive } from "../../src/builder/job.ts";
import type { ErrorCode } from "../../src/lib/error-codes.ts";
import { openRepository, type Repository } from "../../src/builder/mirror.ts";
import { type BuildPlace, openBuildPlace } from "../../src/builder/place.ts";
import { startProgress } from "../../src/builder/progress.ts";
import { commandLine, processesWith, runProgram } from "../helpers/processes.ts";
import { projectCopy, projectRoot } from "../helpers/project-copy.ts";
import { diskResult } from "../helpers/results.ts";
import { temporaryFolder } from "../helpers/temporary.ts";
import { type DirectoryServer, serveDirectory } from "../../offline-kit/mirror/serve.ts";
import { skipWithoutMirror } from "./declared-image.ts";
import { loadVariants } from "../helpers/configuration.ts";
import { assertError, type ExpectedError } from "../helpers/errors.ts";

const ledger = `
versions:
  "3.23":
    endOfLife: 2027-11-01
    entries:
      - release: 3.23.6
        date: 2026-09-17
        revision: 0
        stage: local
        added: 2026-10-01
        images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: nocloud }]
`;
const main = "https://dl-cdn.alpinelinux.org/alpine/v3.23/main";
const quiet = startProgress("builder faults", () => {});

describe("the builder, when something goes wrong", function () {
  // An emulated guest takes seconds to come up, and many more on a machine that has other things to do.
  this.timeout(600_000);
  this.slow(120_000);

  const mirrorFolder = join(projectRoot, ".tools/offline/mirror");
  let settings: BuildSettings;
  let place: BuildPlace;
  let variant: Variant;

  before(async function () {
    skipWithoutMirror(this);
    const keys = join(mirrorFolder, "keys");
    settings = {
      mirror: {
        name: "offline",
        url: `file://${mirrorFolder}`,
        keyFiles: readdirSync(keys).map((name) => join(keys, name)),
      },
      extraDiskMib: 96,
      overlays: [],
      slots: 1,
      // Guests in namespaces have tests of their own: escapes.e2e.ts.
      isolation: "vm",
      accelerator: "auto",
      timeoutMinutes: 8,
      cacheGib: 20,
    };
    place = await openBuildPlace("x86_64", settings, quiet);
    const ledgerFile = join(temporaryFolder(), "releases.yaml");
    writeFileSync(ledgerFile, ledger);
    variant = loadVariants({ root: projectRoot, ledgerFile })[0]!;
  });

  /** What a job fails with, and the message that a person sees. Nothing of the guest may be left. */
  async function failure(
    work: Promise<unknown>,
    expected: ExpectedError,
    ...places: string[]
  ): Promise<string> {
    const error = await work.then(
      (result) => assert.fail(`it was accepted: ${JSON.stringify(result).slice(0, 200)}`),
      (error: unknown) => error as Error,
    );
    assertError(error, expected);
    assert.match(error.message, /\n {2}→ ./, "no word of what to do");
    for (const place of places) {
      // What deletes this process's own folders when it ends stays until then.
      const left = processesWith(place).filter((pid) => !commandLine(pid).includes("scratch-watchdog"));
      assert.deepEqual(left, [], "a guest still runs");
    }
    return error.message;
  }

  /** A job of one script, in a guest of its own. */
  function scriptJob(script: string, repositories: Repository[] = []): GuestJob {
    const scratch = temporaryFolder();
    return {
      what: "a test",
      place: place.place,
      repositories,
      mirror: settings.mirror,
      scratch,
      consoleLog: join(scratch, "console.log"),
      deadlineSeconds: 240,
      memoryMib: 512,
      job: jobArchive({
        arch: "x86_64",
        main: "test-main",
        sourceDateEpoch: 1_700_000_000,
        keyFiles: [],
        variables: {},
        files: { "test-main": script },
      }),
    };
  }
  const failureOf = (job: GuestJob, code: ErrorCode): Promise<string> =>
    failure(runJob(job), { code, where: "a test" }, job.scratch);

  it("names the script that fails in a guest, its exit code, and shows the console's last lines", async () => {
    const job = scriptJob('echo "phase 30 do things" >&3\necho "there is no such thing" >&2\nexit 7\n');
    const message = await failureOf(job, "guest-script-failed");
    assert.match(message, /'do things'.* test-main .* 7\n/);
    assert.ok(message.includes(job.consoleLog));
    assert.match(message, /^there is no such thing$/m);
  });

  it("ends a guest that hangs at its deadline, and says what it was at", async () => {
    const job = {
      ...scriptJob('echo "phase 30 sleep" >&3\nwhile :; do sleep 1; done\n'),
      deadlineSeconds: 45,
    };
    const start = performance.now();
    const message = await failureOf(job, "guest-timeout");
    assert.ok(performance.now() - start < 60_000, "not long after the deadline");
    assert.match(message, /'sleep'.* 45 s\n/);
  });

  it("sees at once that a guest's kernel panics, and says of what", async () => {
    const job = scriptJob('echo "phase 30 fall" >&3\nsleep 1\necho c >/proc/sysrq-trigger\nsleep 1000\n');
    const message = await failureOf(job, "guest-panic");
    assert.match(message, /'fall'.*: sysrq triggered crash\n/);
  });

  it("has another key for the initramfs when a script has changed what goes into it, and the same for all else", async () => {
    const job = scriptJob(`set -eu
TARGET=/tree
export TARGET
mkdir -p /tree
modules=$TARGET/lib/modules/1.0-virt/kernel
mkdir -p $modules $TARGET/bin $TARGET/lib/apk/db $TARGET/etc/mkinitfs/features.d $TARGET/etc/apk/keys $TARGET/usr/share/mkinitfs
cp /bin/busybox $TARGET/bin/ && cp /lib/ld-musl-* $TARGET/lib/ && chroot $TARGET /bin/busybox --install -s /bin
for name in mkinitfs lddtree scanelf; do echo "$name" >$TARGET/bin/$name && chmod +x $TARGET/bin/$name; done
echo 'features="base"' >$TARGET/etc/mkinitfs/mkinitfs.conf
echo /etc/base.conf >$TARGET/etc/mkinitfs/features.d/base.files
echo one >$TARGET/etc/base.conf && echo one >$TARGET/etc/other.conf
echo one >$modules/a.ko && echo one >$modules/b.ko && echo one >$TARGET/lib/liba.so.1 && ln -s liba.so.1 $TARGET/lib/liba.so
printf 'F:lib/modules/1.0-virt/kernel\nR:a.ko\nZ:Q1a\nR:b.ko\nZ:Q1b\nF:lib\nR:liba.so.1\nZ:Q1c\n' >$TARGET/lib/apk/db/installed
sh /job/loadable-files >/run/loadable-files
keys=
key() { keys=$keys$(printf '"%s":"%s",' "$1" "$(sh /job/initramfs-key 1.0-virt)"); }
key packages
echo two >$TARGET/etc/other.conf
key unrelated
echo two >$modules/a.ko && touch -d @0 $modules/a.ko
key module
echo two >$TARGET/lib/liba.so.1
key library
rm $modules/b.ko
key removed
ln -sf libc.so.1 $TARGET/lib/liba.so
key link
echo two >$TARGET/etc/base.conf
key named
echo '# more' >>$TARGET/etc/mkinitfs/mkinitfs.conf
key configuration
echo "result {\${keys%,}}" >&3
`);
    const keys = (await runJob(job)) as Record<string, string>;
    const { packages, unrelated, ...changed } = keys;
    assert.match(packages!, /^[0-9a-f]{64}$/);
    assert.equal(unrelated, packages);
    const wanted = ["configuration", "library", "link", "module", "named", "removed"];
    assert.deepEqual(Object.keys(changed).sort(), wanted);
    assert.equal(
      new Set([packages, ...Object.values(changed)]).size,
      wanted.length + 1,
      JSON.stringify(keys),
    );
  });

  describe("on a host with services of its own", () => {
    const servers: Server[] = [];
    let reached = 0;
    let port = 0;
    before(async () => {
      for (const address of ["127.0.0.1", "::1"]) {
        const server = createServer((_, response) => {
          reached += 1;
          response.end("secret");
        });
        const listening = await new Promise<boolean>((resolve) => {
          server.once("error", () => resolve(false));
          server.listen(port, address, () => resolve(true));
        });
        // A host without IPv6 has no loopback of it to protect.
        if (!listening) continue;
        port = (server.address() as AddressInfo).port;
        servers.push(server);
      }
    });
    after(() => servers.forEach((server) => server.close()));

    it("lets a guest reach its packages and nothing else", async () => {
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "secret", "the host itself can");
      assert.equal(reached, 1);
      const repository = await openRepository(settings.mirror, main, "x86_64");
      const result = await runJob(
        scriptJob(
          `
ip route add default via 10.0.2.2
ip -6 address add fec0::15/64 dev eth0 2>/dev/null
# report NAME COMMAND … - yes when it succeeds within 5 seconds
report() {
  name=$1; shift
  if timeout 5 "$@" </dev/null >/tmp/out 2>&1; then found=yes; else found=no; fi
  answers="$answers\${answers:+,}\\"$name\\":\\"$found\\""
}
answers=
report packages wget -q -O /tmp/index http://10.0.2.100/0/x86_64/APKINDEX.tar.gz
report host wget -q -O - http://10.0.2.2:${port}/
report host-tcp nc -w 3 10.0.2.2 ${port}
report host-ipv6 wget -q -O - "http://[fec0::2]:${port}/"
report loopback wget -q -O - http://127.0.0.1:${port}/
report proxy-host wget -q -O - http://10.0.2.100:${port}/
report metadata wget -q -O - http://169.254.169.254/
report dns-tcp nc -w 3 10.0.2.3 53
report dns nslookup example.org 10.0.2.3
report tftp tftp -g -r x -l /tmp/x 10.0.2.2
echo "result {$answers,\\"bytes\\":$(wc -c </tmp/index)}" >&3
`,
          [repository],
        ),
      );
      const no = [
        "host",
        "host-tcp",
        "host-ipv6",
        "loopback",
        "proxy-host",
        "metadata",
        "dns-tcp",
        "dns",
        "tftp",
      ];
      assert.deepEqual(result, {
        packages: "yes",
        ...Object.fromEntries(no.map((name) => [name, "no"])),
        bytes: repository.index.length,
      });
      assert.equal(reached, 1, "nothing arrived at the host's service");
    });
  });

  describe("with a tampered package", () => {
    let server: DirectoryServer;
    after(() => server.close());

    it("stops the build, names the package and keeps nothing of it", async () => {
      // One byte near the end of one of many packages: everything else is as it should be.
      server = await serveDirectory(mirrorFolder, {
        faults: [{ kind: "flip", path: /\/main\/x86_64\/musl-1\.[^/]*\.apk$/, offset: -100 }],
      });
      // A copy of the project has the appliance, made from good packages before, and an empty package cache.
      const copy = projectCopy();
      const cached = join(projectRoot, "work/cache");
      cpSync(
        join(place.appliance.archive, ".."),
        join(copy.root, "work/cache", place.appliance.archive.slice(cached.length), ".."),
        {
          recursive: true,
          filter: (name) => !name.endsWith(".lock"),
        },
      );
      const accelerators = join(cached, "accelerator-probes.json");
      if (existsSync(accelerators))
        cpSync(accelerators, join(copy.root, "work/cache/accelerator-probes.json"));
      const { buildDisk } = await copy.load<typeof BuildDisk>("src/builder/build-disk.ts");
      const folder = join(temporaryFolder(), "images");
      const served = { ...settings, mirror: { ...settings.mirror, url: server.url } };
      const where = new RegExp(`^${server.url}/v3\\.23/main/x86_64/musl-1\\.[^ ]*\\.apk$`);
      await failure(
        buildDisk(variant, served, folder, quiet, { dataSource: "NoCloud" }),
        { code: ["checksum-wrong", "mirror-format-unknown"], where },
        copy.root,
      );
      assert.deepEqual(readdirSync(folder), [`${variant.name}.console.log`]);
      const kept = readdirSync(join(copy.root, "work/cache/packages"));
      assert.deepEqual(
        kept.filter((name) => name.startsWith("musl-1.") || name.endsWith(".part")),
        [],
      );
      assert.deepEqual(readdirSync(join(copy.root, "work/tmp")), []);
    });
  });

  it("says that a disk is too small, and leaves no image", async () => {
    const folder = join(temporaryFolder(), "images");
    const small = { ...variant, diskSizeMib: 40 };
    const text = / 40: raise diskSize by \d+ MiB /;
    const expected = { code: "guest-request-unmet", where: variant.name, text } as const;
    await failure(
      buildDisk(small, { ...settings, extraDiskMib: 0 }, folder, quiet, { dataSource: "NoCloud" }),
      expected,
      folder,
    );
    assert.deepEqual(readdirSync(folder), [`${variant.name}.console.log`]);
  });

  /** An overlay of one script, and the variant with that as its last. */
  function withScript(name: string, script: string): { variant: Variant; overlays: string[] } {
    const overlay = temporaryFolder();
    mkdirSync(join(overlay, "scripts"));
    writeFileSync(join(overlay, "scripts", name), script);
    return { variant: { ...variant, scripts: [...variant.scripts, name] }, overlays: [overlay] };
  }

  it("names an overlay's script that fails, its exit code and its last words", async () => {
    const folder = join(temporaryFolder(), "images");
    const { variant, overlays } = withScript("broken", 'set -eu\necho "no such thing here" >&2\n(exit 3)\n');
    const expected = { code: "guest-script-failed", where: variant.name } as const;
    const message = await failure(
      buildDisk(variant, { ...settings, overlays }, folder, quiet, { dataSource: "NoCloud" }),
      expected,
      folder,
    );
    assert.match(message, /'run broken': .* broken .* 3\n/);
    assert.match(message, /^no such thing here$/m);
    assert.deepEqual(readdirSync(folder), [`${variant.name}.console.log`]);
  });

  it("checks the finished disk: names all that is wrong with it at once, and leaves no image", async () => {
    // What it asks of mkinitfs is nothing wrong, and in the initramfs: that is checked too. So is that a package of the base
    // can be left out.
    const { variant: spoiled, overlays } = withScript(
      "spoil",
      `#!/bin/sh
set -eu
cd "$TARGET"
echo kernel/drivers/gpio >etc/mkinitfs/features.d/pins.modules
sed -i 's/^features="/features="pins /' etc/mkinitfs/mkinitfs.conf
echo data >srv/shared && chmod 666 srv/shared
cp usr/bin/doas usr/bin/mine && chmod 4755 usr/bin/mine
echo 'root:$6$salt$secret' | chroot . chpasswd -e
echo key >etc/ssh/ssh_host_rsa_key
echo https://example.org/more >>etc/apk/repositories
chown 4242 etc/motd
sed -i s/LABEL=/UUID=/ etc/fstab
`,
    );
    const folder = join(temporaryFolder(), "images");
    const { add, ...packages } = spoiled.packages;
    const smaller = {
      ...spoiled,
      packages: {
        ...packages,
        add: add.filter((name) => name !== "tzdata"),
        delete: [...packages.delete, "tzdata"],
      },
    };
    const failed = { code: "disk-check-failed", where: variant.name } as const;
    const building = buildDisk(smaller, { ...settings, overlays }, folder, quiet, { dataSource: "NoCloud" });
    const message = await failure(building, failed, folder);
    const wanted = [
      "/etc/apk/repositories",
      "filesystems of /etc/fstab",
      "root is locked",
      "users who can log in",
      "users with a password",
      "files that anybody can write",
      "set-uid or set-gid files that belong to no package",
      "files of users and groups that do not exist",
      "left over: SSH host keys",
      "left over: earlier versions of user lists",
    ];
    const named = message.split("\n").filter((line) => line.startsWith("    "));
    const missing = wanted.filter((check) => !named.some((line) => line.startsWith(`    ${check}: `)));
    assert.deepEqual(missing, [], message);
    assert.equal(named.length, wanted.length, message);
    assert.match(
      message,
      /^the finished disk of .* is not what its variant declares: 10 of \d+ checks failed:\n/,
    );
    assert.ok(!message.includes("secret"), "a password's hash");
    assert.deepEqual(readdirSync(folder), [`${variant.name}.console.log`]);
  });

  describe("on a full disk", () => {
    const mounted: string[] = [];
    before(function () {
      if (process.getuid?.() === 0 && process.platform === "linux") return;
      this.test!.parent!.title += " (skipped: making a small disk needs root on Linux)";
      this.skip();
    });
    afterEach(() => {
      for (const folder of mounted.splice(0)) spawnSync("umount", [folder]);
    });

    /** A folder with only so much room. */
    function smallDisk(folder: string, mib: number): string {
      mkdirSync(folder, { recursive: true });
      const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs", folder]);
      assert.equal(status, 0, stderr.toString());
      mounted.push(folder);
      return folder;
    }

    it("of images in storage: says so, and keeps nothing half", async () => {
      const copy = projectCopy();
      const file = "work/images/test/image.qcow2";
      mkdirSync(join(copy.root, file, ".."), { recursive: true });
      writeFileSync(join(copy.root, file), Buffer.alloc(3 << 20));
      const { stdout } = await runProgram("sha512sum", [join(copy.root, file)]);
      const storage = smallDisk(join(temporaryFolder(), "storage"), 1);
      const { code, stderr } = await runProgram("node", ["scripts/step.ts", "create"], {
        cwd: copy.root,
        env: {
          ...process.env,
          ALPINE_STEP: "artifact",
          ALPINE_STEP_INPUT: JSON.stringify({
            storageUrl: `file://${storage}`,
            disk: diskResult({ file, sha512: stdout.split(" ")[0]! }),
          }),
        },
      });
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`^error: no space left on the disk for ${storage}/.*\n  → free space .*\n$`),
      );
      assert.deepEqual(readdirSync(storage), []);
    });

    for (const [title, write, heard] of [
      ["of work/ while a guest writes", "dd if=/dev/urandom of=/dev/vda bs=1M count=60 2>&1; sync", false],
      [
        "past its cache, as base trees are packed",
        "dd if=/dev/urandom of=/dev/vda bs=1M count=60 oflag=direct",
        true,
      ],
    ] as const) {
      it(`${title}: says so, and does not wait for the deadline`, async () => {
        const scratch = temporaryFolder();
        // Room for the guest's initramfs and little of what it writes.
        const initrd = Math.ceil(readFileSync(place.appliance.archive).length / 2 ** 20) + 1;
        const job: GuestJob = {
          ...scriptJob(`${write} || { echo "heard of it"; exit 1; }\necho "result {}" >&3\n`),
          scratch: smallDisk(join(scratch, "small"), initrd + 20),
          consoleLog: join(scratch, "console.log"),
        };
        const disk = join(job.scratch, "disk.raw");
        writeFileSync(disk, "");
        truncateSync(disk, 64 << 20);
        await failure(runJob({ ...job, disk }), { code: "disk-full", where: job.scratch }, job.scratch);
        assert.equal(readFileSync(job.consoleLog, "utf8").includes("heard of it"), heard);
        rmSync(disk);
      });
    }
  });
});
