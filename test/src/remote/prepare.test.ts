import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { waitUntil } from "../../helpers/processes.ts";
import { projectRoot } from "../../helpers/project-copy.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const program = readFileSync(join(projectRoot, "src/remote/prepare.mjs"), "utf8");

describe("making a builder ready", () => {
  let folder: string;
  let archive: Buffer;
  let digest: string;
  before(async () => {
    const files = pack();
    files.entry({ name: "package.json" }, "{}");
    files.entry({ name: "package-lock.json" }, "{}");
    const bootstrap = "src/bootstrap";
    for (const name of readdirSync(join(projectRoot, bootstrap))) {
      files.entry({ name: `${bootstrap}/${name}` }, readFileSync(join(projectRoot, bootstrap, name)));
    }
    files.finalize();
    archive = gzipSync(await buffer(files));
    digest = createHash("sha256").update(archive).digest("hex");
  });
  beforeEach(() => {
    folder = join(temporaryFolder(), "builder");
    // Packages that are there already: no registry is asked here. The end-to-end test has it all.
    mkdirSync(join(folder, "packages/p/node_modules"), { recursive: true });
  });

  interface Run {
    child: ChildProcess;
    said: () => string;
    ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  }

  function prepare(): Run {
    const args = [folder, digest, "p", String(archive.length)];
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program, ...args]);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => {});
    const ended = new Promise<Awaited<Run["ended"]>>((resolve) =>
      child.on("close", (code) => resolve({ code, stdout, stderr })),
    );
    return { child, said: () => stdout, ended };
  }
  const projects = (): string[] =>
    existsSync(join(folder, "projects")) ? readdirSync(join(folder, "projects")) : [];

  it("asks for the project, unpacks it, and does not ask again", async () => {
    const first = prepare();
    first.child.stdin!.write("\n\n");
    await waitUntil("it asks", () => first.said() !== "");
    first.child.stdin!.write(archive.subarray(0, 100));
    first.child.stdin!.write(Buffer.concat([archive.subarray(100), Buffer.from("\n")]));
    const { code, stdout, stderr } = await first.ended;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "wants\nready\n");
    assert.deepEqual(projects(), [digest]);
    for (const name of ["package.json", "node_modules", "work", ".tools"]) {
      assert.ok(existsSync(join(folder, "projects", digest, name)), name);
    }
    assert.equal((await prepare().ended).stdout, "has\nready\n");
  });

  it("takes no damaged project", async () => {
    const { child, ended } = prepare();
    const damaged = Buffer.from(archive);
    damaged[50] = damaged[50]! ^ 1;
    child.stdin!.write(damaged);
    const { code, stderr } = await ended;
    assert.equal(code, 1);
    assert.match(stderr, /the received project archive is damaged/);
    assert.deepEqual(projects(), []);
  });

  it("ends when the connection does, and leaves nothing half-made", async () => {
    const { child, ended } = prepare();
    child.stdin!.end(archive.subarray(0, 100));
    assert.equal((await ended).code, 1);
    assert.deepEqual(projects(), []);
  });

  it("deletes what nobody used for a month", async () => {
    const old = join(folder, "projects", "old");
    mkdirSync(old, { recursive: true });
    mkdirSync(join(folder, "projects", "newer"));
    writeFileSync(join(old, "file"), "");
    const longAgo = Date.now() / 1000 - 31 * 86_400;
    utimesSync(old, longAgo, longAgo);
    const { child, ended } = prepare();
    child.stdin!.write(archive);
    assert.equal((await ended).code, 0);
    assert.deepEqual(projects().sort(), [digest, "newer"].sort());
  });
});
