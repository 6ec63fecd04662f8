import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  checkFinished,
  findPeer,
  hostProblem,
  imageProblem,
  type PeerHost,
  peerArguments,
  peerRun,
  versionProblem,
} from "../../bench/peer.ts";
import { assertError, rejectsWith, throwsError } from "../helpers/errors.ts";
import { temporaryFolder } from "../helpers/temporary.ts";
import { someVariant } from "../helpers/variant.ts";

const where = "--against";
const peer = { script: "/peer/alpine-make-vm-image", name: "alpine-make-vm-image 0.13.4" };

describe("the peer of a comparison", () => {
  it("gets the image's packages, the served mirror and its keys, and a block device", () => {
    const packages = { add: ["alpine-base", "tiny-cloud-nocloud"], delete: ["sudo"], noScripts: [] };
    const line = (version: string): string =>
      peerArguments({ version, packages }, "http://127.0.0.1:1", "/keys", "/dev/loop7").join(" ");
    assert.equal(
      line("3.23"),
      "--mirror-uri http://127.0.0.1:1 --branch v3.23 --keys-dir /keys --serial-console --image-format raw " +
        "--packages alpine-base tiny-cloud-nocloud -- /dev/loop7",
    );
    assert.match(line("edge"), / --branch edge /);
  });

  it("must be a script of the known version", async () => {
    const folder = temporaryFolder();
    const missing = { code: "file-missing", where } as const;
    await rejectsWith(findPeer(join(folder, "peer"), someVariant()), missing);
    await rejectsWith(findPeer(folder, someVariant()), missing);

    const script = join(folder, "alpine-make-vm-image");
    writeFileSync(script, "echo alpine-make-vm-image 0.12.0\n");
    const unknown = { code: "peer-unknown", where, text: /prints 'alpine-make-vm-image 0\.12\.0'/ } as const;
    await rejectsWith(findPeer(folder, someVariant()), unknown);
    await rejectsWith(findPeer(script, someVariant()), unknown);
    assert.equal(versionProblem(script, "alpine-make-vm-image 0.13.4\n"), undefined);
  });

  it("makes only images of x86_64 with BIOS, on x86_64", () => {
    const expected = { code: "usage", where } as const;
    assert.equal(imageProblem(someVariant(), "x64"), undefined);
    assertError(imageProblem(someVariant({ firmware: "uefi" }), "x64"), expected);
    assertError(imageProblem(someVariant({ arch: "aarch64", firmware: "uefi" }), "arm64"), expected);
    assertError(imageProblem(someVariant(), "arm64"), expected);
  });

  it("needs root, its tools, a loop device, and permission to mount", () => {
    const host: PeerHost = { isRoot: true, missingTools: [], hasLoopDevice: true, mayMount: true };
    assert.equal(hostProblem(host), undefined);
    assertError(hostProblem({ ...host, isRoot: false, hasLoopDevice: false }), {
      code: "root-needed",
      where,
    });
    assertError(hostProblem({ ...host, missingTools: ["losetup", "blkid"] }), {
      code: "tool-missing",
      where,
      text: /losetup, blkid/,
    });
    assertError(hostProblem({ ...host, hasLoopDevice: false }), { code: "loop-device-missing", where });
    assertError(hostProblem({ ...host, mayMount: false }), { code: "root-needed", where });
  });

  it("has finished only if it says so: it exits with 0 after failures, too", () => {
    checkFinished(peer, { exitCode: 0, output: "installing\n\u001b[1;36m> Completed\u001b[0m\n" });
    throwsError(() => checkFinished(peer, { exitCode: 0, output: "ERROR: unable to select packages\n" }), {
      code: "peer-failed",
      where: peer.name,
      text: /unable to select packages/,
    });
  });

  it("is timed in two parts", () => {
    const usage = (peakMib: number) => ({ peakMib });
    const parts = peerRun({ seconds: 4, usage: usage(30) }, { seconds: 2.5, usage: usage(12) }, "digest");
    assert.deepEqual(parts, {
      disk: { seconds: 4, peakMib: 30 },
      conversion: { seconds: 2.5, peakMib: 12 },
      total: {
        seconds: 6.5,
        peakMib: 30,
        sha512: "digest",
        phases: { "the peer's disk": 4, convert: 2.5 },
      },
    });
  });
});
