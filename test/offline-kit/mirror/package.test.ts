import assert from "node:assert/strict";
import { createHash, verify } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip, gunzipSync } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { throwawayKey } from "../../helpers/repository.ts";
import { indexEntry, writeIndex } from "../../../offline-kit/mirror/apk-index.ts";
import {
  packageInfoText,
  withParents,
  writePackage,
  type Package,
  type PackageInfo,
} from "../../../offline-kit/mirror/apk-package.ts";
import type { TreeEntry } from "../../../offline-kit/mirror/tar.ts";

const info: PackageInfo = {
  name: "hello",
  version: "1.2-r3",
  description: "says hello",
  url: "https://example.org",
  architecture: "x86_64",
  license: "MIT",
  origin: "hello",
  maintainer: "Somebody <some@example.org>",
  buildDate: 1_700_000_000,
  commit: "c0ffee",
  depends: ["/bin/sh", "so:libc.musl-x86_64.so.1"],
  provides: ["cmd:hello=1.2-r3"],
  replaces: ["greeter<1"],
  installIf: ["openrc", "world=1-r0"],
  triggers: ["/boot", "/lib/modules/*"],
  providerPriority: 100,
  replacesPriority: 7,
};

const files: TreeEntry[] = [
  { kind: "file", path: "usr/bin/hello", mode: 0o4755, uid: 0, gid: 0, content: Buffer.from("hi\n") },
  { kind: "symlink", path: "usr/bin/hi", mode: 0o777, uid: 0, gid: 0, target: "hello" },
];
const source: Package = { info, scripts: { "post-install": Buffer.from("#!/bin/sh\n") }, files };
const key = throwawayKey();
const checksumKey = "APK-TOOLS.checksum.SHA1";

interface Member {
  header: Header;
  content: Buffer;
}

/** All entries of the concatenated gzip members, as apk reads them. */
async function membersOf(bytes: Buffer): Promise<Member[]> {
  const members: Member[] = [];
  const reader = Readable.from([bytes]).pipe(createGunzip()).pipe(extract());
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    members.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return members;
}

/** Splits at gzip headers; enough for members this small. */
function gzipMembers(bytes: Buffer): Buffer[] {
  const starts: number[] = [];
  const magic = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00]);
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) starts.push(at);
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1] ?? bytes.length));
}

describe("apk packages", () => {
  it("holds signature, control and data, in this order", async () => {
    const { bytes, fileName } = await writePackage(source, key);
    assert.equal(fileName, "hello-1.2-r3.apk");
    assert.deepEqual(
      (await membersOf(bytes)).map(({ header }) => header.name),
      [`.SIGN.RSA.${key.name}`, ".PKGINFO", ".post-install", "usr", "usr/bin", "usr/bin/hello", "usr/bin/hi"],
    );
  });

  it("signs the control member, which carries the hash of the data member", async () => {
    const { bytes, identity } = await writePackage(source, key);
    const [, control = Buffer.alloc(0), data = Buffer.alloc(0)] = gzipMembers(bytes);
    const [signature, packageInfo] = await membersOf(bytes);
    assert.ok(verify("sha1", control, key.publicPem, signature?.content ?? Buffer.alloc(0)));
    assert.deepEqual(identity, createHash("sha1").update(control).digest());
    const dataHash = createHash("sha256").update(data).digest("hex");
    assert.match(packageInfo?.content.toString() ?? "", new RegExp(`^datahash = ${dataHash}$`, "m"));
    assert.equal(gunzipSync(control).length % 512, 0);
  });

  it("gives every file and link its checksum, and keeps modes", async () => {
    const members = await membersOf((await writePackage(source, key)).bytes);
    const hello = members.find(({ header }) => header.name === "usr/bin/hello");
    const link = members.find(({ header }) => header.name === "usr/bin/hi");
    const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
    assert.equal(hello?.header.mode, 0o4755);
    const checksumOf = (member?: Member): unknown =>
      new Map(Object.entries(member?.header.pax ?? {})).get(checksumKey);
    assert.equal(checksumOf(hello), sha1("hi\n"));
    assert.equal(checksumOf(link), sha1("hello"));
    assert.equal(members.find(({ header }) => header.name === ".PKGINFO")?.header.pax, null);
  });

  it("is the same twice", async () => {
    const [one, other] = await Promise.all([writePackage(source, key), writePackage(source, key)]);
    assert.ok(one.bytes.equals(other.bytes));
  });

  it("says all it knows in .PKGINFO", () => {
    assert.equal(
      packageInfoText(info, 3, "abc"),
      [
        "pkgname = hello",
        "pkgver = 1.2-r3",
        "pkgdesc = says hello",
        "url = https://example.org",
        "builddate = 1700000000",
        "packager = Somebody <some@example.org>",
        "size = 3",
        "arch = x86_64",
        "origin = hello",
        "commit = c0ffee",
        "maintainer = Somebody <some@example.org>",
        "replaces_priority = 7",
        "provider_priority = 100",
        "license = MIT",
        "replaces = greeter<1",
        "depend = /bin/sh",
        "depend = so:libc.musl-x86_64.so.1",
        "provides = cmd:hello=1.2-r3",
        "triggers = /boot /lib/modules/*",
        "install_if = openrc world=1-r0",
        "datahash = abc",
        "",
      ].join("\n"),
    );
  });

  it("adds missing parents before what is in them and keeps the given ones", () => {
    const given: TreeEntry[] = [
      { kind: "directory", path: "usr", mode: 0o700, uid: 0, gid: 0 },
      { kind: "file", path: "usr/share/a", mode: 0o644, uid: 0, gid: 0, content: Buffer.alloc(0) },
    ];
    assert.deepEqual(
      withParents(given).map(({ path, mode }) => [path, mode]),
      [
        ["usr", 0o700],
        ["usr/share", 0o755],
        ["usr/share/a", 0o644],
      ],
    );
  });
});

describe("apk indexes", () => {
  it("describes a package by what its file is", async () => {
    const written = await writePackage(source, key);
    const entry = indexEntry(written);
    assert.ok(entry.startsWith(`C:Q1${written.identity.toString("base64")}\nP:hello\nV:1.2-r3\nA:x86_64\n`));
    assert.match(entry, new RegExp(`^S:${String(written.bytes.length)}$`, "m"));
    assert.match(entry, /^I:3$/m);
    assert.match(entry, /^k:100$/m);
    assert.match(entry, /^D:\/bin\/sh so:libc.musl-x86_64.so.1$/m);
    assert.match(entry, /^i:openrc world=1-r0$/m);
  });

  it("is signed, and sorted by name", async () => {
    const other = await writePackage({ ...source, info: { ...info, name: "alpha" } }, key);
    const index = await writeIndex([await writePackage(source, key), other], "main v3.23", key);
    const [signature, description, list] = await membersOf(index);
    assert.equal(signature?.header.name, `.SIGN.RSA.${key.name}`);
    assert.equal(description?.header.name, "DESCRIPTION");
    assert.deepEqual(list?.content.toString().match(/^P:.*$/gm), ["P:alpha", "P:hello"]);
    const [, signed = Buffer.alloc(0)] = gzipMembers(index);
    assert.ok(verify("sha1", signed, key.publicPem, signature.content));
  });
});
