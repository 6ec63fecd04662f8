import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as Mirror from "../../../src/builder/mirror.ts";
import type { MirrorSettings, Repository } from "../../../src/builder/mirror.ts";
import { type DirectoryServer, type Fault, serveDirectory } from "../../../offline-kit/mirror/serve.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";
import { type TestMirror, testMirror, throwawayKey } from "../../helpers/repository.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { rejectsWith, type ExpectedError } from "../../helpers/errors.ts";

describe("a mirror", function () {
  this.timeout(20_000);
  const faults: Fault[] = [];
  const requests: string[] = [];
  let content: TestMirror;
  let server: DirectoryServer;
  let copy: ProjectCopy;
  let mirror: typeof Mirror;
  let settings: MirrorSettings;

  before(async () => {
    content = await testMirror([{ name: "good", files: { big: "x".repeat(100_000) } }]);
    const onRequest = ({ path }: { path: string }): void => void requests.push(path);
    server = await serveDirectory(content.folder, { faults, onRequest });
    copy = projectCopy();
    mirror = await copy.load<typeof Mirror>("src/builder/mirror.ts");
    settings = { name: "test", url: server.url, keyFiles: [content.keyFile], stallSeconds: 5 };
  });
  after(() => server.close());
  beforeEach(() => {
    faults.length = 0;
    requests.length = 0;
    rmSync(cache(), { recursive: true, force: true });
  });

  const cache = (): string => join(copy.root, "work/cache/packages");
  const open = (changes: Partial<MirrorSettings> = {}): Promise<Repository> =>
    mirror.openRepository({ ...settings, ...changes }, content.declaredUrl, "x86_64");
  const fetchGood = async (changes: Partial<MirrorSettings> = {}): Promise<Buffer> => {
    const repository = await open();
    return mirror.fetchPackage({ ...settings, ...changes }, repository, repository.entries[0]!);
  };
  /** Fails with a UserError that says what to do. */
  const refused = (work: Promise<unknown>, expected: ExpectedError): Promise<void> =>
    rejectsWith(work, { text: /\n {2}→ ./, ...expected });
  const indexUrl = (url: string): string => `${url}${content.indexPath}`;
  const goodUrl = (): string => `${server.url}${content.pathOf("good")}`;

  it("gives an index and packages over HTTP", async () => {
    const repository = await open();
    assert.equal(repository.declaredUrl, content.declaredUrl);
    assert.deepEqual(
      repository.entries.map(({ name }) => name),
      ["good"],
    );
    assert.ok((await fetchGood()).equals(readFileSync(join(content.folder, content.pathOf("good")))));
  });

  it("can be a folder", async () => {
    const repository = await open({ url: `file://${content.folder}` });
    assert.equal(repository.entries.length, 1);
    assert.deepEqual(requests, []);
    const where = indexUrl("file:///no/such/mirror");
    await refused(open({ url: "file:///no/such/mirror" }), { code: "mirror-unreachable", where });
  });

  it("says how to make what an offline kit has not yet, and what it can never have", async () => {
    const kit = { name: "offline", url: `file://${content.folder}` };
    await open(kit);
    const ofArchitecture = mirror.openRepository({ ...settings, ...kit }, content.declaredUrl, "aarch64");
    await refused(ofArchitecture, {
      code: "offline-kit-incomplete",
      where: join(content.folder, "v9.9/main"),
      text: /→ make them with `npm run kit -- --arch aarch64 --out /,
    });
    const ofVersion = mirror.openRepository(
      { ...settings, ...kit },
      content.declaredUrl.replace("v9.9", "v3.22"),
      "x86_64",
    );
    const where = join(content.folder, "v3.22/main");
    await refused(ofVersion, { code: "offline-kit-incomplete", where });
  });

  it("is asked once for a package", async () => {
    await fetchGood();
    await fetchGood();
    assert.deepEqual(
      requests.filter((path) => path.endsWith(".apk")),
      [content.pathOf("good")],
    );
  });

  it("is asked again when what the cache has is damaged", async () => {
    const good = await fetchGood();
    const [name] = readdirSync(cache());
    const file = join(cache(), name!);
    for (const damage of [good.subarray(0, 1000), Buffer.alloc(0), Buffer.alloc(good.length)]) {
      writeFileSync(file, damage);
      assert.ok((await fetchGood()).equals(good));
      assert.ok(readFileSync(file).equals(good), "the cache is whole again");
    }
  });

  it("that stalls mid-file is given up after its deadline", async () => {
    faults.push({ kind: "stall", path: content.pathOf("good"), afterBytes: 500 });
    const start = performance.now();
    const stalled = { code: "mirror-unreachable", where: goodUrl(), text: /[Tt]imeout/ } as const;
    await refused(fetchGood({ stallSeconds: 0.3 }), stalled);
    assert.ok(performance.now() - start < 5_000, "3 tries of 0.3 s with pauses");
    assert.equal(requests.filter((path) => path.endsWith(".apk")).length, 3);
    assert.equal(existsSync(join(cache())) ? readdirSync(cache()).length : 0, 0, "nothing half is kept");
  });

  it("that stalls once is tried again", async () => {
    faults.push({ kind: "stall", path: content.pathOf("good"), afterBytes: 500, times: 1 });
    await fetchGood({ stallSeconds: 0.3 });
  });

  it("that has not got the file says 404, and is not asked again", async () => {
    faults.push({ kind: "status", path: content.indexPath, status: 404 });
    await refused(open(), { code: "mirror-unreachable", where: indexUrl(server.url), text: / 404\n/ });
    assert.equal(requests.length, 1);
  });

  it("that fails for a moment is asked again", async () => {
    faults.push({ kind: "status", path: content.indexPath, status: 500, times: 2 });
    assert.equal((await open()).entries.length, 1);
    assert.equal(requests.length, 3);
  });

  it("that goes on failing is given up", async () => {
    faults.push({ kind: "status", path: content.indexPath, status: 503 });
    await refused(open(), { code: "mirror-unreachable", where: indexUrl(server.url), text: / 503\n/ });
    assert.equal(requests.length, 3);
  });

  it("that cuts files short is tried again, then given up", async () => {
    faults.push({ kind: "truncate", path: content.pathOf("good"), afterBytes: 500, times: 1 });
    await fetchGood();
    rmSync(cache(), { recursive: true });
    faults.splice(0, 1, { kind: "truncate", path: content.pathOf("good"), afterBytes: 500 });
    await refused(fetchGood(), { code: "mirror-unreachable", where: goodUrl() });
  });

  it("whose certificate seems too old or too new is no reason to give up before the clock is looked at", () => {
    const now = new Date("2046-11-18T18:46:00Z");
    for (const code of ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]) {
      const hint = mirror.fetchHint(Object.assign(new Error("certificate"), { code }), now);
      assert.match(hint, /^this machine's clock says 2046-11-18T18:46Z: correct it if it is wrong/);
    }
    assert.ok(!mirror.fetchHint(Object.assign(new Error(), { code: "ECONNREFUSED" }), now).includes("clock"));
  });

  it("that is not there at all is named", async () => {
    const gone = await serveDirectory(content.folder);
    await gone.close();
    await refused(open({ url: gone.url }), { code: "mirror-unreachable", where: indexUrl(gone.url) });
  });

  it("that tampers with its index is refused", async () => {
    faults.push({ kind: "flip", path: content.indexPath, offset: -20 });
    // By chance the compression no longer holds, or the signature no longer fits.
    const code = ["mirror-format-unknown", "signature-invalid"] as const;
    await refused(open(), { code, where: indexUrl(server.url) });
  });

  it("that tampers with a package is refused, and nothing is kept of it", async () => {
    faults.push({ kind: "flip", path: content.pathOf("good"), offset: -40 });
    await refused(fetchGood(), { code: "checksum-wrong", where: goodUrl() });
    assert.equal(existsSync(join(cache())) ? readdirSync(cache()).length : 0, 0);
    faults.length = 0;
    await fetchGood();
  });

  it("whose key is not trusted is refused, with the key's name and what to do", async () => {
    const stranger = throwawayKey("stranger.rsa.pub");
    const file = join(temporaryFolder(), stranger.name);
    writeFileSync(file, stranger.publicPem);
    await refused(open({ keyFiles: [file] }), {
      code: "signing-key-unknown",
      where: indexUrl(server.url),
      text: /throwaway\.rsa\.pub.*\n.*mirror\.keys/,
    });
  });

  it("needs its key files to be there and to be keys", async () => {
    const missing = join(temporaryFolder(), "missing.rsa.pub");
    await refused(open({ keyFiles: [missing] }), { code: "file-missing", where: missing });
    writeFileSync(missing, "");
    await rejectsWith(open({ keyFiles: [missing] }), { code: "mirror-key-invalid", where: missing });
  });

  it("stands in for Alpine's own, and for no other", () => {
    const official = "https://dl-cdn.alpinelinux.org/alpine";
    const mirrored = (url: string): string => mirror.mirrored({ ...settings, url: "http://m/alpine/" }, url);
    assert.equal(mirrored(`${official}/v3.23/main`), "http://m/alpine/v3.23/main");
    assert.equal(mirrored("https://example.org/alpine/v3.23/main"), "https://example.org/alpine/v3.23/main");
    assert.equal(mirrored(`${official}-evil/v3.23/main`), `${official}-evil/v3.23/main`);
  });
});
