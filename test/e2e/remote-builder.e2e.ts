/** A builder on another machine: a real SSH server on loopback, whose working folder is nobody else's. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ssh2 from "ssh2";
import type { Builder } from "../../src/configuration/settings.ts";
import { buildSettings } from "../../src/builder/build-settings.ts";
import { inputsDigest } from "../../src/builder/inputs.ts";
import { commandLine, isRunning, processesWith, waitUntil } from "../helpers/processes.ts";
import { diskResult } from "../helpers/results.ts";
import { type SshServer, startSshd } from "../helpers/sshd.ts";
import { resultOf } from "../helpers/pulumi-project.ts";
import { linkCaches } from "./checkout.ts";
import { DeclaredImage, skipWithoutMirror } from "./declared-image.ts";
import { loadVariants, readStackFile } from "../helpers/configuration.ts";

describe("a remote builder", function () {
  this.timeout(900_000);
  let project: DeclaredImage;
  let ssh: SshServer;

  before(async function () {
    skipWithoutMirror(this);
    ssh = await startSshd();
    linkCaches(join(ssh.builder.folder, "work"));
    project = new DeclaredImage();
    await project.begin();
  });

  after(async () => {
    ssh?.stop();
    if (project === undefined) return;
    for (const pid of there()) process.kill(pid, "SIGKILL");
    await project.end();
  });

  /** What runs on the builder, guests and all: their files are in its working folder. */
  const there = (): number[] => processesWith(ssh.builder.folder);
  const guestsThere = (): number[] => there().filter((pid) => commandLine(pid).includes("qemu-system"));

  const assertNothingMade = async (): Promise<void> => {
    assert.deepEqual(project.builtImages(), []);
    assert.equal(await project.command("disk"), undefined);
  };
  const configure = (changes: Partial<Builder> = {}): void =>
    project.configure(
      project.settings({
        "alpine:builders": [{ ...ssh.builder, ...changes }],
        // A guest in a VM takes long enough to be met.
        "alpine:build": { isolation: "vm" },
      }),
    );

  it("with another host key than the pinned one is sent nothing", async () => {
    const other = ssh2.utils.generateKeyPairSync("ed25519");
    configure({ hostKey: other.public });
    const { code, output } = await project.run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(
      output,
      /has a different host key: expected SHA256:\S+, found SHA256:\S+; nothing was sent to it/,
    );
    assert.deepEqual(readdirSync(ssh.builder.folder), ["work"], "as it was before");
    await assertNothingMade();
    configure();
  });

  it("is fetched from what it had finished when its client went away, without another build", async () => {
    const variant = loadVariants({
      root: project.folder,
      ledgerFile: "releases.test.yaml",
      overlays: [],
    })[0]!;
    const build = buildSettings(readStackFile(project.folder, project.stack), project.folder);
    const file = `work/images/nocloud/${project.key}/${project.name}.qcow2`;
    const content = "what a build left there";
    const record = diskResult({
      file,
      inputsDigest: inputsDigest(variant, build),
      built: "1980-01-01T00:00:00.000Z",
      sha512: createHash("sha512").update(content).digest("hex"),
    });
    const finished = join(ssh.builder.folder, file);
    mkdirSync(join(finished, ".."), { recursive: true });
    writeFileSync(finished, content);
    writeFileSync(join(finished, "../build.json"), JSON.stringify(record));

    const output = await project.up();
    assert.match(output, /127\.0\.0\.1: .*: already built from the same inputs/);
    assert.equal(readFileSync(project.path(file), "utf8"), content);
    const result = await project.result("disk");
    assert.equal(result?.["sha512"], record.sha512);
    assert.notEqual(result?.["built"], record.built, "by this machine's clock");
    assert.notEqual(result?.["token"], record.token);
    assert.equal(existsSync(finished), false, "it is kept there until it is here");
    await project.destroy();
    assert.deepEqual(project.builtImages(), []);
  });

  for (const [what, cut] of [
    ["is lost", () => ssh.sessions()],
    ["is left alone", (builder: number) => [builder]],
  ] as const) {
    it(`that ${what} in the midst of a build ends its guest, and nothing is kept`, async () => {
      const child = project.start("up", "--yes", "--skip-preview");
      const ended = resultOf(child);
      await waitUntil("a guest runs there", () => child.exitCode !== null || guestsThere().length > 0, 300);
      if (child.exitCode !== null) assert.fail((await ended).output);
      const [step = 0] = processesWith("scripts/step.ts").filter(
        (pid) => readlinkSync(`/proc/${pid}/cwd`) === project.folder,
      );
      const begun = performance.now();
      for (const pid of cut(step)) process.kill(pid, "SIGKILL");
      await waitUntil("all of it is gone", () => there().length === 0 && !isRunning(step), 30);
      const { code, output } = await ended;
      assert.ok(performance.now() - begun < 60_000);
      assert.notEqual(code, 0);
      if (what === "is lost") {
        assert.match(
          output,
          /lost the connection to builder 127\.0\.0\.1:\d+ at '.+': .+\n.*nothing was stored here/,
        );
      }
      await assertNothingMade();
    });
  }
});
