import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  serveDirectory,
  type DirectoryServer,
  type Fault,
  type ServedRequest,
} from "../../../offline-kit/mirror/serve.ts";

const big = Buffer.alloc(300_000, "abcdefghij");

describe("the mirror's server", () => {
  let directory = "";
  let server: DirectoryServer;
  const faults: Fault[] = [];
  const requests: ServedRequest[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "serve-"));
    const root = join(directory, "root");
    await mkdir(join(root, "main"), { recursive: true });
    await writeFile(join(root, "main", "a+b c.apk"), "package");
    await writeFile(join(root, "big"), big);
    await writeFile(join(root, "empty"), "");
    await utimes(join(root, "big"), 1_700_000_000.5, 1_700_000_000.5);
    await writeFile(join(directory, "secret"), "secret");
    await symlink("../secret", join(root, "out"));
    server = await serveDirectory(root, { faults, onRequest: (request) => requests.push(request) });
  });
  after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });
  beforeEach(() => {
    faults.length = 0;
    requests.length = 0;
  });

  /** A request as it is, without the clean-up of `..` that fetch does. */
  const rawStatus = (line: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1", () =>
        socket.write(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`),
      );
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("end", () => resolve(text.split("\r\n", 1)[0] ?? ""));
      socket.on("error", reject);
    });

  it("sends files with their length, percent codes decoded", async () => {
    const answer = await fetch(`${server.url}/main/a%2Bb%20c.apk?query`);
    assert.equal(answer.headers.get("content-length"), "7");
    assert.equal(await answer.text(), "package");
    assert.ok(Buffer.from(await (await fetch(`${server.url}/big`)).arrayBuffer()).equals(big));
    assert.equal((await fetch(`${server.url}/empty`)).headers.get("content-length"), "0");
    assert.deepEqual(requests[0], { method: "GET", path: "/main/a+b c.apk", status: 200 });
  });

  it("answers HEAD without content", async () => {
    const answer = await fetch(`${server.url}/big`, { method: "HEAD" });
    assert.equal(answer.headers.get("content-length"), String(big.length));
    assert.equal(await answer.text(), "");
  });

  it("says when nothing changed", async () => {
    const first = await fetch(`${server.url}/big`);
    await first.arrayBuffer();
    const tag = first.headers.get("etag") ?? "";
    const date = first.headers.get("last-modified") ?? "";
    const status = async (headers: Record<string, string>): Promise<number> => {
      const answer = await fetch(`${server.url}/big`, { headers });
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.equal(await status({ "if-none-match": tag }), 304);
    assert.equal(await status({ "if-none-match": '"other"', "if-modified-since": date }), 200);
    assert.equal(await status({ "if-modified-since": date }), 304);
    assert.equal(await status({ "if-modified-since": new Date(0).toUTCString() }), 200);
  });

  it("has no directories, and nothing outside", async () => {
    for (const path of ["/", "/main", "/main/", "/none", "/big/", "/out"]) {
      assert.equal((await fetch(server.url + path)).status, 404, path);
    }
    assert.match(await rawStatus("GET /../secret HTTP/1.1"), /404/);
    assert.match(await rawStatus("GET /main/..%2f..%2fsecret HTTP/1.1"), /404/);
    assert.match(await rawStatus("GET /%2e%2e/secret HTTP/1.1"), /404/);
    assert.match(await rawStatus("GET /big%00 HTTP/1.1"), /400/);
    assert.match(await rawStatus("GET /%zz HTTP/1.1"), /400/);
    assert.match(await rawStatus("GET http://elsewhere/big HTTP/1.1"), /400/);
    assert.match(await rawStatus("DELETE /big HTTP/1.1"), /405/);
  });

  it("answers with a status, as often as it is told", async () => {
    faults.push({ kind: "status", path: /^\/big/, status: 500, times: 2 });
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await fetch(`${server.url}/big`)).status);
    assert.deepEqual(statuses, [500, 500, 200]);
  });

  it("flips one byte", async () => {
    faults.push(
      { kind: "flip", path: "/big", offset: 70_001 },
      { kind: "flip", path: "/main/a+b c.apk", offset: -1 },
    );
    const bytes = Buffer.from(await (await fetch(`${server.url}/big`)).arrayBuffer());
    const differing = [...bytes.keys()].filter((at) => bytes[at] !== big[at]);
    assert.deepEqual(differing, [70_001]);
    const small = Buffer.from(await (await fetch(`${server.url}/main/a+b%20c.apk`)).arrayBuffer());
    assert.equal(small.toString("latin1", 0, 6), "packag");
    assert.notEqual(small[6], "e".charCodeAt(0));
  });

  it("truncates: the client sees that bytes are missing", async () => {
    faults.push({ kind: "truncate", path: "/big", afterBytes: 1000 });
    await assert.rejects(fetch(`${server.url}/big`).then((answer) => answer.arrayBuffer()));
  });

  it("stalls, and can still be closed", async () => {
    faults.push({ kind: "stall", path: "/big", afterBytes: 1000 });
    const own = await serveDirectory(join(directory, "root"), { faults });
    const answer = await fetch(`${own.url}/big`);
    const reader = answer.body?.getReader();
    const first: { value?: Uint8Array | undefined } | undefined = await reader?.read();
    assert.equal(first?.value?.length, 1000);
    const next = reader?.read().then(
      () => "data",
      () => "closed",
    );
    const pause = new Promise<string>((resolve) => setTimeout(() => resolve("nothing"), 100));
    assert.equal(await Promise.race([next, pause]), "nothing");
    await own.close();
    assert.equal(await next, "closed");
  });

  it("says when there is nothing to serve", async () => {
    await assert.rejects(serveDirectory(join(directory, "none")), /there is no such directory/);
  });
});
