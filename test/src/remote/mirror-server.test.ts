import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { isOnThisMachine, mirrorServer } from "../../../src/remote/mirror-server.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("the mirror that a builder sees", () => {
  it("is this machine's where nobody else can reach it", () => {
    for (const url of [
      "file://.tools/offline/mirror",
      "file:///srv/mirror",
      "http://127.0.0.1:8080",
      "http://127.8.9.1/alpine",
      "http://localhost:8080/alpine",
      "https://[::1]/alpine",
    ]) {
      assert.equal(isOnThisMachine(url), true, url);
    }
    for (const url of [
      "https://dl-cdn.alpinelinux.org/alpine",
      "http://10.0.0.1/",
      "http://127.example.org",
    ]) {
      assert.equal(isOnThisMachine(url), false, url);
    }
  });

  it("has the mirror's files and nothing above them", async () => {
    const folder = join(temporaryFolder(), "mirror");
    mkdirSync(join(folder, "v3.23/main/x86_64"), { recursive: true });
    writeFileSync(join(folder, "v3.23/main/x86_64/libstdc++-1.0_p1-r0.apk"), "a package");
    writeFileSync(join(folder, "../secret"), "secret");
    const server = mirrorServer({ name: "offline", url: `file://${folder}/`, keyFiles: [] });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    // Not fetch, which tidies paths up before it asks for them.
    const get = (path: string, method = "GET"): Promise<{ status: number | undefined; body: string }> =>
      new Promise((resolve, reject) => {
        const { port } = server.address() as AddressInfo;
        request({ host: "127.0.0.1", port, path, method }, (answer) => {
          text(answer).then((body) => resolve({ status: answer.statusCode, body }), reject);
        })
          .on("error", reject)
          .end();
      });
    try {
      const name = "/v3.23/main/x86_64/libstdc++-1.0_p1-r0.apk";
      assert.deepEqual(await get(name), { status: 200, body: "a package" });
      assert.equal((await get(name, "PUT")).status, 404);
      for (const path of [
        "/../secret",
        "/v3.23/../../secret",
        "/%2e%2e/secret",
        "//secret",
        "/",
        "/v3.23/",
      ]) {
        assert.equal((await get(path)).status, 404, path);
      }
      assert.equal((await get("/v3.23/none.apk")).status, 502);
    } finally {
      server.close();
    }
  });
});
