import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type * as HostApk from "../../bench/host-apk.ts";
import { rejectsWith } from "../helpers/errors.ts";
import { projectCopy } from "../helpers/project-copy.ts";
import { testMirror, throwawayKey } from "../helpers/repository.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

describe("apk on a host that is not Alpine", function () {
  this.timeout(20_000);

  it("is unpacked with what it needs, and started with musl's loader", async () => {
    const { unpackApk } = await projectCopy().load<typeof HostApk>("bench/host-apk.ts");
    const mirror = await testMirror([
      { name: "apk-tools", depends: ["so:libc.musl-x86_64.so.1"], files: { "sbin/apk": "apk" } },
      {
        name: "musl",
        provides: ["so:libc.musl-x86_64.so.1"],
        files: { "lib/ld-musl-x86_64.so.1": "loader" },
      },
      { name: "busybox", files: { "bin/busybox": "busybox" } },
    ]);
    const settings = { name: "test", url: `file://${mirror.folder}`, keyFiles: [mirror.keyFile] };
    const repos = [
      { url: mirror.declaredUrl, enabled: true },
      { url: `${mirror.declaredUrl}-missing`, enabled: false },
    ];
    const folder = temporaryFolder();
    const apk = await unpackApk({ arch: "x86_64", repos }, settings, folder);
    const root = join(folder, "apk");
    assert.equal(readFileSync(join(root, "sbin/apk"), "utf8"), "apk");
    assert.equal(existsSync(join(root, "bin/busybox")), false);
    assert.deepEqual(readdirSync(apk.keys), ["throwaway.rsa.pub"]);
    assert.equal(statSync(apk.command).mode & 0o111, 0o111);
    assert.deepEqual(readFileSync(apk.command, "utf8").split("\n"), [
      "#!/bin/sh",
      `exec '${root}/lib/ld-musl-x86_64.so.1' --library-path '${root}/lib:${root}/usr/lib' '${root}/sbin/apk' "$@"`,
      "",
    ]);

    const untrusted = {
      ...settings,
      keyFiles: [(await testMirror([], throwawayKey("other.rsa.pub"))).keyFile],
    };
    await rejectsWith(unpackApk({ arch: "x86_64", repos }, untrusted, temporaryFolder()), {
      code: "signing-key-unknown",
      where: /APKINDEX/,
    });
  });
});
