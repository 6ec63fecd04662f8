import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type DiskFacts, readFacts } from "../../../../src/builder/disk-check/facts.ts";
import { projectRoot } from "../../../helpers/project-copy.ts";
import { runProgram } from "../../../helpers/processes.ts";
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

/** What tree-facts tells of a folder with these files: path → content. */
async function factsOf(
  files: Record<string, string>,
  prepare: (tree: string) => void = () => {},
): Promise<DiskFacts> {
  const tree = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  prepare(tree);
  const script = join(projectRoot, "src/builder/guest/check/tree-facts");
  const { code, stdout, stderr } = await runProgram("sh", ["-euc", '. "$0" 3>&1', script, tree]);
  assert.equal(code, 0, stderr);
  return readFacts(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^fact /, "")),
  );
}

describe("tree-facts", () => {
  it("tells of every path what it is, whose, and of when", async () => {
    const { paths, unreadable } = await factsOf({ "etc/motd": "Hello", "a b/c:d": "" }, (tree) => {
      chmodSync(join(tree, "etc/motd"), 0o4640);
      chmodSync(join(tree, "etc"), 0o1777);
      symlinkSync("motd", join(tree, "etc/link"));
      utimesSync(join(tree, "etc/motd"), 1_000, 2_000);
    });
    assert.deepEqual(unreadable, []);
    assert.deepEqual([...paths.keys()].sort(), [".", "a b", "a b/c:d", "etc", "etc/link", "etc/motd"]);
    const { times, ...motd } = paths.get("etc/motd")!;
    const [uid, gid] = [process.getuid!(), process.getgid!()];
    assert.deepEqual(motd, { kind: "file", mode: 0o4640, uid, gid, size: 5 });
    assert.deepEqual(times.slice(0, 2), [1_000, 2_000]);
    assert.equal(paths.get("etc")?.kind, "folder");
    assert.equal(paths.get("etc")?.mode, 0o1777);
    assert.equal(paths.get("etc/link")?.kind, "link");
  });

  it("tells where the runlevels' links lead", async () => {
    const { links } = await factsOf({ "etc/runlevels/boot/x": "" }, (tree) =>
      symlinkSync("/etc/init.d/sshd", join(tree, "etc/runlevels/boot/sshd")),
    );
    assert.deepEqual([...links], [["etc/runlevels/boot/sshd", "/etc/init.d/sshd"]]);
  });

  it("tells every line of configuration, blank ones and last ones too", async () => {
    const { texts } = await factsOf({
      "etc/motd": "Hello:\n\n  world",
      "etc/doas.d/wheel.conf": "permit nopass :wheel\n",
      "etc/doas.d/more.conf": "# nothing\n",
      "etc/other": "not looked into\n",
    });
    assert.deepEqual(
      new Map([...texts].sort()),
      new Map([
        ["etc/doas.d/more.conf", ["# nothing"]],
        ["etc/doas.d/wheel.conf", ["permit nopass :wheel"]],
        ["etc/motd", ["Hello:", "", "  world"]],
      ]),
    );
  });

  it("tells the packages, and of what they own, keys and programs with another's rights", async () => {
    for (const place of ["lib/apk/db/installed", "usr/lib/apk/db/installed"]) {
      const { packages, owned } = await factsOf({ [place]: database });
      assert.deepEqual(
        [...packages],
        [
          ["alpine-keys", "2.6-r0"],
          ["doas", "6.8.2-r1"],
        ],
      );
      assert.deepEqual([...owned], ["etc/apk/keys/alpine.rsa.pub", "usr/bin/doas"]);
    }
  });

  it("tells modules that are built in, and digests of keys", async () => {
    const { builtinModules, sums } = await factsOf({
      "lib/modules/6.18/modules.builtin": "kernel/drivers/gpio/gpio-pl061.ko\nkernel/fs/ext4/ext4.ko\n",
      "etc/apk/keys/a.rsa.pub": "",
    });
    assert.deepEqual([...builtinModules], ["gpio-pl061", "ext4"]);
    const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert.deepEqual([...sums], [["etc/apk/keys/a.rsa.pub", empty]]);
  });
});
