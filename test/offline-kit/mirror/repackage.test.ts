import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parseInstalledDatabase, parseTriggers } from "../../../offline-kit/mirror/installed-database.ts";
import { repackageRoot } from "../../../offline-kit/mirror/repackage.ts";
import { restoreOriginal } from "../../../offline-kit/mirror/restore.ts";
import { writeTar } from "../../../offline-kit/mirror/tar.ts";

const sha1 = (text: string): Buffer => createHash("sha1").update(text).digest();
const checksum = (text: string): string => `Q1${sha1(text).toString("base64")}`;

const database = `C:Q1aaaaaaaaaaaaaaaaaaaaaaaaaaa=
P:base
V:1.0-r0
A:x86_64
S:100
I:12
T:a base
U:https://example.org
L:MIT
o:base
m:Somebody <some@example.org>
t:1700000000
c:c0ffee
k:100
q:1000
D:/bin/sh musl>=1.2
p:cmd:base=1.0-r0
r:older
i:openrc other=1-r0
F:etc
M:0:42:750
R:hosts
a:0:42:640
Z:${checksum("localhost\n")}
R:mtab
a:0:0:777
Z:${checksum("../proc/mounts")}
F:var/empty

C:Q1bbbbbbbbbbbbbbbbbbbbbbbbbbb=
P:second
V:2-r1
A:x86_64
S:1
I:0
T:no files
U:u
L:MIT
o:second
t:1700000001
`;

describe("the installed database", () => {
  it("is read with every field that a package needs", () => {
    const [base, second] = parseInstalledDatabase(database);
    assert.equal(base?.fullName, "base-1.0-r0");
    assert.deepEqual(base.info, {
      name: "base",
      version: "1.0-r0",
      description: "a base",
      url: "https://example.org",
      architecture: "x86_64",
      license: "MIT",
      origin: "base",
      maintainer: "Somebody <some@example.org>",
      buildDate: 1_700_000_000,
      commit: "c0ffee",
      depends: ["/bin/sh", "musl>=1.2"],
      provides: ["cmd:base=1.0-r0"],
      replaces: ["older"],
      installIf: ["openrc", "other=1-r0"],
      triggers: [],
      installedSize: 12,
      providerPriority: 100,
      replacesPriority: 1000,
    });
    assert.deepEqual(
      base.owned.map(({ path, isDirectory, gid, mode }) => [path, isDirectory, gid, mode]),
      [
        ["etc", true, 42, 0o750],
        ["etc/hosts", false, 42, 0o640],
        ["etc/mtab", false, 0, 0o777],
        ["var/empty", true, 0, 0o755],
      ],
    );
    assert.deepEqual(second?.owned, []);
  });

  it("refuses what it would lose", () => {
    assert.throws(() => parseInstalledDatabase("P:x\nX:new\n"), /package 'x': unknown line 'X:new'/);
    const withAttributes = "P:x\nF:bin\nR:ping\na:0:0:755:Q1abc=\nZ:Q1aaa=\n";
    assert.throws(() => parseInstalledDatabase(withAttributes), /bin\/ping.*extended attributes/);
    assert.throws(() => parseInstalledDatabase("P:x\nF:bin\nR:ping\nZ:Q2aaa=\n"), /not sha1/);
  });

  it("has triggers by identity", () => {
    assert.deepEqual(parseTriggers("Q1x= /boot /lib/*\n"), new Map([["Q1x=", ["/boot", "/lib/*"]]]));
  });
});

describe("restoring changed files", () => {
  const original = "root:x:0\nnobody:x:9\n";
  const restore = (changed: string, how: Parameters<typeof restoreOriginal>[1]): string | undefined =>
    restoreOriginal(Buffer.from(changed), how, sha1(original))?.toString();

  it("drops appended accounts until the hash matches", () => {
    assert.equal(restore(`${original}dhcpcd:x:100\nquicksand:x:1000\n`, { dropAccounts: true }), original);
  });
  it("drops named lines and puts changed ones back", () => {
    assert.equal(restore("root:x:0\n9p\nnobody:x:9\n", { dropLines: ["9p"] }), original);
    assert.equal(restore("root:!:0\nnobody:x:9\n", { replaceLines: { "root:!:0": "root:x:0" } }), original);
  });
  it("takes a whole text", () => {
    assert.equal(restore("", { text: original }), original);
  });
  it("gives nothing that has not the recorded hash", () => {
    assert.equal(restore("root:changed\n", { dropAccounts: true, dropLines: ["x"] }), undefined);
    assert.equal(restore("", { text: "a guess\n" }), undefined);
  });
});

describe("repackaging a root", () => {
  let root = "";
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "repackage-"));
    const databaseDirectory = join(root, "lib/apk/db");
    await mkdir(databaseDirectory, { recursive: true });
    await mkdir(join(root, "etc"));
    await writeFile(join(databaseDirectory, "installed"), database);
    await writeFile(join(databaseDirectory, "triggers"), "Q1bbbbbbbbbbbbbbbbbbbbbbbbbbb= /boot\n");
    const script = {
      kind: "file",
      mode: 0o755,
      uid: 0,
      gid: 0,
      content: Buffer.from("#!/bin/sh\n"),
    } as const;
    const scripts = await writeTar([{ ...script, path: "second-2-r1.X1abcdef.trigger" }], { modified: 0 });
    await writeFile(join(databaseDirectory, "scripts.tar.gz"), gzipSync(scripts));
    await writeFile(join(root, "etc/hosts"), "localhost\n");
    await symlink("../proc/mounts", join(root, "etc/mtab"));
  });
  afterEach(() => rm(root, { recursive: true }));

  it("takes owners and modes from the database, scripts and triggers included", async () => {
    const [base, second] = await repackageRoot(root, {});
    assert.deepEqual(base?.files[1], {
      kind: "file",
      path: "etc/hosts",
      mode: 0o640,
      uid: 0,
      gid: 42,
      content: Buffer.from("localhost\n"),
    });
    assert.equal(base.files[2]?.kind, "symlink");
    assert.deepEqual(second?.info.triggers, ["/boot"]);
    assert.equal(second.scripts.trigger?.toString(), "#!/bin/sh\n");
  });

  it("restores a changed file, but only to its recorded hash", async () => {
    await writeFile(join(root, "etc/hosts"), "changed\n");
    const [base] = await repackageRoot(root, { "etc/hosts": { text: "localhost\n" } });
    assert.deepEqual(base?.files[1]?.kind === "file" && base.files[1].content.toString(), "localhost\n");
    await assert.rejects(
      repackageRoot(root, { "etc/hosts": { text: "other\n" } }),
      /package base, file \/etc\/hosts: the restoration in sources.yaml does not lead to the recorded hash/,
    );
  });

  it("names a file that differs, and one that is missing", async () => {
    await writeFile(join(root, "etc/hosts"), "tampered\n");
    await assert.rejects(
      repackageRoot(root, {}),
      /package base, file \/etc\/hosts: differs from what Alpine's/,
    );
    await rm(join(root, "etc/hosts"));
    await assert.rejects(
      repackageRoot(root, {}),
      /\/etc\/hosts: the database lists it, but the root does not have/,
    );
  });
});
