import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as Mirror from "../../../src/builder/mirror.ts";
import type * as Proxy from "../../../src/builder/package-proxy.ts";
import { listenOnLoopback } from "../../../src/lib/loopback.ts";
import { projectCopy } from "../../helpers/project-copy.ts";
import { type TestMirror, testMirror } from "../../helpers/repository.ts";
import { type DirectoryServer, type Fault, serveDirectory } from "../../../offline-kit/mirror/serve.ts";
import { assertError } from "../../helpers/errors.ts";

describe("the package proxy of a build guest", function () {
  this.timeout(20_000);
  const faults: Fault[] = [];
  let content: TestMirror;
  let server: DirectoryServer;
  let proxy: Proxy.PackageProxy & { port: number };
  let startProxy: (useCache: boolean) => Promise<Proxy.PackageProxy & { port: number }>;
  let settings: Mirror.MirrorSettings;
  let repository: Mirror.Repository;

  before(async () => {
    content = await testMirror([{ name: "one" }, { name: "two" }, { name: "three" }]);
    server = await serveDirectory(content.folder, { faults });
    const copy = projectCopy();
    const mirror = await copy.load<typeof Mirror>("src/builder/mirror.ts");
    const { packageProxy } = await copy.load<typeof Proxy>("src/builder/package-proxy.ts");
    settings = { name: "test", url: server.url, keyFiles: [content.keyFile], stallSeconds: 1 };
    repository = await mirror.openRepository(settings, content.declaredUrl, "x86_64");
    startProxy = async (useCache) => {
      const started = packageProxy(settings, [repository], useCache);
      return { ...started, port: await listenOnLoopback(started.server) };
    };
    proxy = await startProxy(true);
  });
  after(async () => {
    await proxy.close();
    await server.close();
  });

  /** A request as it is, without the clean-up of `..` that fetch does. */
  const get = (path: string, method = "GET", sent?: Buffer): Promise<{ status: number; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const asking = request({ host: "127.0.0.1", port: proxy.port, path, method }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      });
      asking.on("error", reject).end(sent);
    });
  const good = (name: string): Buffer => readFileSync(join(content.folder, content.pathOf(name)));

  it("serves the very index that was verified, whatever the mirror has by now", async () => {
    faults.push({ kind: "status", path: /./, status: 500 });
    const { status, body } = await get("/0/x86_64/APKINDEX.tar.gz");
    faults.length = 0;
    assert.equal(status, 200);
    assert.ok(body.equals(repository.index));
  });

  it("serves the packages of that index", async () => {
    const { status, body } = await get("/0/x86_64/one-1.0-r0.apk");
    assert.equal(status, 200);
    assert.ok(body.equals(good("one")));
    assert.deepEqual(await get("/0/x86_64/one-1.0-r0.apk", "HEAD"), { status: 200, body: Buffer.alloc(0) });
  });

  it("has nothing else", async () => {
    for (const path of [
      "/",
      "/0",
      "/0/x86_64/",
      "/0/x86_64/one-1.0-r1.apk",
      "/0/aarch64/one-1.0-r0.apk",
      "/1/x86_64/APKINDEX.tar.gz",
      "/-1/x86_64/APKINDEX.tar.gz",
      "/x/x86_64/APKINDEX.tar.gz",
      "/0/x86_64/../../keys/throwaway.rsa.pub",
      "/0/x86_64/..%2f..%2fetc%2fpasswd",
      "/etc/passwd",
    ]) {
      assert.equal((await get(path)).status, 404, path);
    }
    assert.equal(proxy.fault(), undefined, "asking for what there is not is no fault");
  });

  it("keeps an initramfs that came whole for who asks for the same", async () => {
    const key = "ab".repeat(32);
    const initramfs = Buffer.from("\x1f\x8b\0 zeroes too");
    const digest = createHash("sha256").update(initramfs).digest("hex");
    assert.equal((await get(`/initramfs/${key}`)).status, 404);
    assert.equal((await get(`/initramfs/${key}?sha256=${"0".repeat(64)}`, "PUT", initramfs)).status, 400);
    assert.equal((await get(`/initramfs/${key}`, "PUT", initramfs)).status, 400);
    assert.equal((await get(`/initramfs/${key}`)).status, 404, "kept what was not whole");
    assert.equal((await get(`/initramfs/${key}?sha256=${digest}`, "PUT", initramfs)).status, 200);
    assert.deepEqual(await get(`/initramfs/${key}`), { status: 200, body: initramfs });
    assert.equal((await get(`/initramfs/${key.slice(1)}`)).status, 404);
    assert.equal(proxy.fault(), undefined);
  });

  it("neither has nor keeps what others made, when a build shall do without", async () => {
    const key = "ab".repeat(32);
    const alone = await startProxy(false);
    const shared = proxy;
    proxy = alone;
    try {
      const digest = createHash("sha256").update("other").digest("hex");
      assert.equal((await get(`/initramfs/${key}`)).status, 404);
      assert.equal(
        (await get(`/initramfs/${key}?sha256=${digest}`, "PUT", Buffer.from("other"))).status,
        200,
      );
    } finally {
      proxy = shared;
      await alone.close();
    }
    assert.notEqual((await get(`/initramfs/${key}`)).body.toString(), "other");
  });

  it("keeps the first fault, for the guest sees only that a download failed", async () => {
    faults.push({ kind: "flip", path: content.pathOf("two"), offset: -40 });
    faults.push({ kind: "status", path: content.pathOf("three"), status: 404 });
    const { status, body } = await get("/0/x86_64/two-1.0-r0.apk");
    assert.equal(status, 502);
    assert.ok(!body.equals(good("two")));
    assert.equal((await get("/0/x86_64/three-1.0-r0.apk")).status, 502);
    assertError(proxy.fault(), { code: "checksum-wrong", where: /\/two-1\.0-r0\.apk$/ });
  });
});
