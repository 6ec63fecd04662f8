/**
 * One image of each firmware and architecture, each of another cloud: built, booted as its cloud boots it, and the same to the
 * last bit when it is built again, with what earlier builds left behind and without, in namespaces and in a VM, here and by a builder on
 * another machine.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openSpeaking } from "../../src/boot-test/ssh.ts";
import { processesWith, runProgram } from "../helpers/processes.ts";
import { type SshServer, startSshd } from "../helpers/sshd.ts";
import { linkCaches } from "./checkout.ts";
import { DeclaredImage, type ImageDimensions, skipWithoutMirror } from "./declared-image.ts";

/** What `npm run build -- --json` prints, as far as it is looked at here. */
interface Built {
  sha512: string;
  isolation: "vm" | "namespace";
  documents: Record<string, { sha512: string }>;
  /** Whether a second build had the same bytes, where that was asked for. */
  identical?: true;
  /** Its checks: a builder's are only counted, for all of them passed. */
  bootTest?: { checks?: { name: string; passed: boolean }[]; passed?: number };
}

describe("an image of x86_64 with BIOS, for NoCloud", function () {
  this.timeout(1_500_000);
  const image = declared({ arch: "x86_64", firmware: "bios", cloud: "nocloud" });
  let ssh: SshServer | undefined;
  let first: Built;
  after(() => ssh?.stop());

  it("is built and booted by a builder, which is reached over SSH", async () => {
    ssh = await startSshd();
    linkCaches(join(ssh.builder.folder, "work"));
    image().configure(image().settings({ "alpine:builders": [ssh.builder] }));
    first = await build(image(), "one", "--builder", ssh.builder.host);
    assert.ok((first.bootTest?.passed ?? 0) > 10);
    for (const ending of [".qcow2", ".cdx.json", ".intoto.json", ".console.log"]) {
      assert.ok(image().files("one").includes(`${image().name}${ending}`), ending);
    }
  });

  it("boots for a person, says how to log in, and leaves nothing when it is ended", async () => {
    const args = ["scripts/boot.ts", image().key, "--out", "one"];
    const boot = spawn(process.execPath, [...args, "--stack", image().stack], {
      cwd: image().path(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = once(boot, "exit");
    let said = "";
    for (const stream of [boot.stdout, boot.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    }
    try {
      const spoken = await banner(() => Number(/^ssh -p (\d+) -i \S+id_ed25519 /m.exec(said)?.[1]));
      assert.match(spoken, /^SSH-2\.0-/, said);
      assert.match(said, /Press Ctrl-A X to quit/);
      assert.match(said, /Starting sshd/, "the console is shown");
    } finally {
      boot.kill("SIGTERM");
    }
    assert.deepEqual(await ended, [0, null], said);
    assert.deepEqual(processesWith(image().path("work/tmp")), []);
    assert.deepEqual(image().files("work/tmp"), []);
  });

  it("comes out the same here, in a VM, from packages alone, by a clock that is twenty years ahead", async () => {
    // Of this machine and, by its hardware clock, of the guest; timers go as they always do.
    const clock = ["faketime", "-m", "--exclude-monotonic", "-f", "+20y"];
    const second = await run(
      [...clock, ...buildProgram(image(), "two", "--no-boot", "--no-cache", "--isolation", "vm")],
      image(),
    );
    const sums = ({ sha512, documents }: Built): string[] => [
      sha512,
      ...Object.values(documents).map(({ sha512 }) => sha512),
    ];
    assert.deepEqual(sums(second), sums(first));
    assert.equal(sums(first).length, 3);
  });
});

describe("an image of x86_64 with UEFI, for AWS", function () {
  this.timeout(1_500_000);
  const image = declared({ arch: "x86_64", firmware: "uefi", cloud: "aws" });

  it("boots, and comes out the same from packages alone", async () => {
    const built = await build(image(), "one", "--verify");
    assertBooted(built);
    assert.equal(built.identical, true);
  });
});

describe("an image of aarch64, for Google Cloud", function () {
  this.timeout(1_500_000);
  const image = declared({ arch: "aarch64", firmware: "uefi", cloud: "gcp" });

  it("boots, and comes out the same from packages alone", async () => {
    const built = await build(image(), "one", "--verify");
    assertBooted(built);
    assert.equal(built.identical, true);
  });
});

for (const [firmware, cloud] of [
  ["bios", "azure"],
  ["uefi", "oci"],
] as const) {
  describe(`an image with cloud-init, of x86_64 with ${firmware.toUpperCase()}`, function () {
    this.timeout(1_500_000);
    const image = declared({ arch: "x86_64", firmware, bootstrap: "cloudinit", cloud });

    it("comes out the same in a VM and in namespaces", async () => {
      const built = await build(image(), "one", "--no-boot", "--isolation", "namespace", "--verify");
      assert.equal(built.isolation, "namespace");
      assert.equal(built.identical, true);
    });
  });
}

/** For a suite: makes the image's stack before its tests, and takes it away after. */
function declared(dimensions: ImageDimensions): () => DeclaredImage {
  let image: DeclaredImage | undefined;
  before(async function () {
    skipWithoutMirror(this, dimensions.arch);
    image = new DeclaredImage(dimensions);
    await image.begin();
  });
  after(() => image?.end());
  return () => image!;
}

function build(image: DeclaredImage, folder: string, ...flags: string[]): Promise<Built> {
  return run(buildProgram(image, folder, ...flags), image);
}

function buildProgram(image: DeclaredImage, folder: string, ...flags: string[]): string[] {
  const program = [process.execPath, "scripts/build.ts", image.key, "--out", folder];
  return [...program, "--stack", image.stack, "--json", ...flags];
}

async function run([program, ...args]: string[], image: DeclaredImage): Promise<Built> {
  const { code, stdout, stderr } = await runProgram(program!, args, { cwd: image.path() });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Built;
}

function assertBooted({ bootTest }: Built): void {
  assert.deepEqual(
    bootTest?.checks?.filter(({ passed }) => !passed),
    [],
  );
  assert.ok((bootTest?.checks?.length ?? 0) > 10);
}

/** What the other side of a port says first, once there is a port and somebody there. */
async function banner(port: () => number): Promise<string> {
  for (const deadline = performance.now() + 480_000; performance.now() < deadline; await sleep(300)) {
    if (Number.isNaN(port())) continue;
    const socket = await openSpeaking(port(), 3_000).catch(() => undefined);
    if (socket === undefined) continue;
    const said = (socket.read() as Buffer).toString();
    socket.destroy();
    return said;
  }
  return "";
}
