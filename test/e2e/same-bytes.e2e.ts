/**
/**
 * An image is the same to the last bit when it is built again: with what earlier builds left behind and without, here
 * and by a builder on another machine; and it boots, for the boot test and for a person.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openSpeaking } from "../../scripts/boot-test/ssh.ts";
import { processesWith, runProgram } from "../helpers/processes.ts";
import { type SshServer, startSshd } from "../helpers/sshd.ts";
import { linkCaches } from "./checkout.ts";
import { DeclaredImage, skipWithoutMirror } from "./declared-image.ts";

/** What `npm run build -- --json` prints, as far as it is looked at here. */
interface Built {
  sha512: string;
  documents: Record<string, { sha512: string }>;
  /** Its checks: a builder's are only counted, for all of them passed. */
  bootTest?: { checks?: { name: string; passed: boolean }[]; passed?: number };
}

for (const firmware of ["bios", "uefi"] as const) {
  describe(`npm run build: a ${firmware.toUpperCase()} image`, function () {
    this.timeout(1_500_000);
    let project: DeclaredImage;
    let first: Built;
    let ssh: SshServer | undefined;

    before(async function () {
      skipWithoutMirror(this);
      project = new DeclaredImage(firmware);
      await project.begin();
    });

    after(async () => {
      ssh?.stop();
      await project?.end();
    });

    async function build(folder: string, ...flags: string[]): Promise<Built> {
      const program = ["--import", "tsx", "scripts/build.ts", project.key, "--out", folder];
      const options = ["--stack", project.stack, "--json", ...flags];
      const { code, stdout, stderr } = await runProgram(process.execPath, [...program, ...options], {
        cwd: project.path(),
      });
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as Built;
    }

    if (firmware === "bios") {
      it("boots and proves itself on a builder, which is reached over SSH", async () => {
        ssh = await startSshd();
        linkCaches(join(ssh.builder.folder, "work"));
        project.configure(project.settings({ "alpine:builders": [ssh.builder] }));
        first = await build("one", "--builder", ssh.builder.host);
        assert.ok((first.bootTest?.passed ?? 0) > 10);
        for (const ending of [".qcow2", ".cdx.json", ".intoto.json", ".console.log"]) {
          assert.ok(project.files("one").includes(`${project.name}${ending}`), ending);
        }
      });
    } else {
      it("boots by its own firmware and proves itself", async () => {
        first = await build("one");
        const failed = first.bootTest?.checks?.filter(({ passed }) => !passed);
        assert.deepEqual(failed, []);
        assert.ok((first.bootTest?.checks?.length ?? 0) > 10);
      });
    }

    // Once is enough: what it does with the firmware, the boot test does too.
    if (firmware === "bios") {
      it("boots for a person, says how to log in, and leaves nothing when it is ended", async () => {
        const args = ["--import", "tsx", "scripts/boot.ts", project.key, "--out", "one"];
        const boot = spawn(process.execPath, [...args, "--stack", project.stack], {
          cwd: project.path(),
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
          assert.match(said, /Ctrl-A X leaves/);
          assert.match(said, /login: /, "the console is shown");
        } finally {
          boot.kill("SIGTERM");
        }
        assert.deepEqual(await ended, [0, null], said);
        assert.deepEqual(processesWith(project.path("work/tmp")), []);
        assert.deepEqual(project.files("work/tmp"), []);
      });
    }

    it("comes out the same from packages alone", async () => {
      const second = await build("two", "--no-boot", "--no-cache");
      const sums = ({ sha512, documents }: Built): string[] => [
        sha512,
        ...Object.values(documents).map(({ sha512 }) => sha512),
      ];
      assert.deepEqual(sums(second), sums(first));
      assert.equal(sums(first).length, 3);
    });
  });
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
