import assert from "node:assert/strict";
import { seccompFilter } from "../../../../src/builder/namespace/seccomp.ts";
import { auditArchitecture, type HostArchitecture } from "../../../../src/builder/namespace/system-calls.ts";

/** What a filter answers to a call: an interpreter of the few instructions that it has, as strict as the kernel's verifier. */
function answerTo(
  filter: Buffer,
  { number, architecture, argument = 0 }: { number: number; architecture: number; argument?: number },
): number {
  assert.equal(filter.length % 8, 0);
  const fields: Record<number, number> = { 0: number, 4: architecture, 16: argument };
  let loaded = 0;
  for (let at = 0; at < filter.length / 8; at += 1) {
    const [code, then, otherwise, value] = [
      filter.readUInt16LE(at * 8),
      filter.readUInt8(at * 8 + 2),
      filter.readUInt8(at * 8 + 3),
      filter.readUInt32LE(at * 8 + 4),
    ] as const;
    if (code === 0x20) {
      assert.ok(value in fields, `it loads offset ${value}`);
      loaded = fields[value]!;
    } else if (code === 0x06) {
      return value;
    } else {
      const holds = { 0x15: loaded === value, 0x35: loaded >= value, 0x45: (loaded & value) !== 0 }[code];
      assert.notEqual(holds, undefined, `instruction ${code}`);
      at += holds! ? then : otherwise;
    }
  }
  return assert.fail("it ends without an answer");
}

const allowed = 0x7fff0000;
const refused = (error: number): number => 0x00050000 + error;

describe("the filter of system calls", () => {
  const numbers: Record<HostArchitecture, Record<string, number>> = {
    x64: {
      read: 0,
      mount: 165,
      unshare: 272,
      ptrace: 101,
      keyctl: 250,
      bpf: 321,
      clone: 56,
      clone3: 435,
      socket: 41,
      chroot: 161,
    },
    arm64: {
      read: 63,
      mount: 40,
      unshare: 97,
      ptrace: 117,
      keyctl: 219,
      bpf: 280,
      clone: 220,
      clone3: 435,
      socket: 198,
      chroot: 51,
    },
  };
  for (const arch of ["x64", "arm64"] as const) {
    const filter = seccompFilter(arch);
    const answer = (name: string, argument = 0): number =>
      answerTo(filter, { number: numbers[arch][name]!, architecture: auditArchitecture[arch], argument });

    it(`of ${arch} lets a build do its work`, () => {
      for (const name of ["read", "chroot"]) assert.equal(answer(name), allowed, name);
      // What fork and threads use: SIGCHLD, CLONE_VM | CLONE_VFORK | CLONE_THREAD …
      for (const flags of [17, 0x4111, 0x3d0f00])
        assert.equal(answer("clone", flags), allowed, String(flags));
      for (const family of [1, 2, 10]) assert.equal(answer("socket", family), allowed, String(family));
    });

    it(`of ${arch} refuses mounts, namespaces, other processes, keyrings and programs for the kernel`, () => {
      for (const name of ["mount", "unshare", "ptrace", "keyctl", "bpf"])
        assert.equal(answer(name), refused(1), name);
      for (const bit of [17, 25, 26, 27, 28, 29, 30])
        assert.equal(answer("clone", 2 ** bit + 17), refused(1), String(bit));
    });

    it(`of ${arch} sends C libraries from clone3 to clone, whose flags it sees`, () => {
      assert.equal(answer("clone3"), refused(38));
    });

    it(`of ${arch} has only families of sockets that a network namespace confines`, () => {
      for (const family of [0, 16, 17, 38, 40])
        assert.equal(answer("socket", family), refused(97), String(family));
    });

    it(`of ${arch} refuses the calls of any other architecture`, () => {
      for (const architecture of [
        0x40000003,
        0x40000028,
        auditArchitecture[arch === "x64" ? "arm64" : "x64"],
      ]) {
        assert.equal(answerTo(filter, { number: 0, architecture }), refused(1));
      }
    });
  }

  it("of x86_64 does not let x32's numbers go around the list", () => {
    const call = { number: 0x40000000 + 165, architecture: auditArchitecture.x64 };
    assert.equal(answerTo(seccompFilter("x64"), call), refused(38));
  });
});
