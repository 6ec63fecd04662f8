import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildDisk, checkRelease, guestMemoryMib, imageConsole } from "../../../src/builder/build-disk.ts";
import type { MirrorSettings, Repository } from "../../../src/builder/mirror.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { someVariant } from "../../helpers/variant.ts";
import { rejectsWith, throwsError } from "../../helpers/errors.ts";

const mirror: MirrorSettings = { name: "offline", url: "file:///mirror", keyFiles: [] };

/** A repository with these packages: name → version. */
function repository(packages: Record<string, string>): Repository {
  const entries = Object.entries(packages).map(([name, version]) => ({
    name,
    version,
    arch: "x86_64",
    checksum: "",
    size: 0,
    buildTime: 0,
    depends: [],
    provides: [],
  }));
  return { declaredUrl: "https://example.org", arch: "x86_64", entries, index: Buffer.alloc(0), digest: "" };
}

describe("a build", () => {
  it("says at once that a format cannot be meant, before it asks the mirror or makes a file", async () => {
    const settings = {
      mirror,
      extraDiskMib: 0,
      overlays: [],
      slots: 1,
      isolation: "auto",
      accelerator: "tcg",
      timeoutMinutes: 1,
      cacheGib: 20,
    } as const;
    const folder = join(temporaryFolder(), "out");
    await rejectsWith(
      buildDisk(
        someVariant({ imageFormatOptions: "vhd/force-size" }),
        settings,
        folder,
        {
          phase: assert.fail,
          note: assert.fail,
          seconds: () => ({}),
        },
        { dataSource: "NoCloud" },
      ),
      { code: "image-format-invalid", where: someVariant().name },
    );
    assert.equal(existsSync(folder), false);
  });
});

describe("the release a mirror has", () => {
  const declared = someVariant({ version: "3.23", release: "3.23.6" });

  it("may be the declared one, in any of its repositories", () => {
    checkRelease(
      declared,
      [repository({ busybox: "1" }), repository({ "alpine-base": "3.23.6-r0" })],
      mirror,
    );
    checkRelease(declared, [repository({ "alpine-base": "3.23.6-r12" })], mirror);
  });

  it("is named when it is another, with what to do", () => {
    for (const served of ["3.23.7", "3.23.60", "3.23"]) {
      throwsError(() => checkRelease(declared, [repository({ "alpine-base": `${served}-r0` })], mirror), {
        code: "release-not-served",
        where: "file:///mirror",
        text: new RegExp(`Alpine ${served} in its 3\\.23 branch, not 3\\.23\\.6\n.*declare ${served},`),
      });
    }
  });

  it("is missed when there is none", () => {
    throwsError(() => checkRelease(declared, [repository({ busybox: "1" })], mirror), {
      code: "mirror-incomplete",
      where: "file:///mirror",
    });
  });

  it("is any for edge, which has no releases", () => {
    const edge = someVariant({ version: "edge", release: "20261101" });
    checkRelease(edge, [repository({ "alpine-base": "3.24.0_alpha20260901-r0" })], mirror);
  });
});

describe("the memory of a guest that makes a disk", () => {
  it("holds the tree and the filesystem, and follows the disk", () => {
    assert.equal(guestMemoryMib(116, 8192), 1000);
    assert.equal(guestMemoryMib(512, 8192), 1792);
  });

  it("is no more than half of the host's for a large disk, and a GiB at least", () => {
    assert.equal(guestMemoryMib(4096, 8192), 4096);
    assert.equal(guestMemoryMib(4096, 1900), 1024);
  });
});

describe("an image's console", () => {
  const consoleOf = (...kernelOptions: string[]): string => imageConsole(someVariant({ kernelOptions }));

  it("is the last serial one its kernel writes to", () => {
    assert.equal(consoleOf("console=tty0", "console=ttyS0,115200n8"), "ttyS0");
    assert.equal(consoleOf("console=ttyS1", "quiet", "console=ttyAMA0"), "ttyAMA0");
    assert.equal(consoleOf("console=ttyS0", "console=tty0"), "ttyS0");
  });

  it("is the first serial port where none is named", () => {
    assert.equal(consoleOf(), "ttyS0");
    assert.equal(consoleOf("console=tty0", "earlycon=ttyS3"), "ttyS0");
  });
});
