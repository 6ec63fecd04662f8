import assert from "node:assert/strict";
import { findAbilities, type HostFacts, type Lack } from "../../../../src/builder/namespace/abilities.ts";
import { hasIds, largestRange } from "../../../../src/builder/namespace/id-ranges.ts";

const range = { first: 100_000, count: 65_536 };

/** A Debian machine with everything, as an ordinary user sees it, but for what a test changes. */
function host(
  changes: Partial<HostFacts> & { files?: Record<string, string>; without?: string[] } = {},
): HostFacts {
  const { files = {}, without = [], ...facts } = changes;
  const text: Record<string, string> = {
    "/proc/sys/user/max_user_namespaces": "96364\n",
    "/proc/self/uid_map": "         0          0 4294967295\n",
    "/proc/self/gid_map": "         0          0 4294967295\n",
    ...files,
  };
  return {
    platform: "linux",
    arch: "x64",
    kernel: "6.12.1-amd64",
    user: { id: 1000, name: "ann" },
    text: (file) => text[file] ?? "",
    exists: () => true,
    program: (name) => (without.includes(name) ? undefined : `/usr/bin/${name}`),
    ranges: { user: range, group: range },
    ...facts,
  };
}

const lacksOf = (facts: HostFacts, arch: "x86_64" | "aarch64" = "x86_64"): readonly Lack[] =>
  findAbilities(arch, facts).lacks;

describe("what a host needs to run guests in namespaces", () => {
  it("is there on an ordinary machine: the user's ids are the guest's", () => {
    assert.deepEqual(findAbilities("x86_64", host()), {
      host: { ids: { user: 100_000, group: 100_000 }, arch: "x64" },
      lacks: [],
    });
  });

  const cases: [string, HostFacts, RegExp, RegExp][] = [
    [
      "user namespaces are off",
      host({ files: { "/proc/sys/user/max_user_namespaces": "0\n" } }),
      /max_user_namespaces is 0/,
      /^sysctl -w user\.max_user_namespaces=/,
    ],
    [
      "only root may have them",
      host({ files: { "/proc/sys/kernel/unprivileged_userns_clone": "0\n" } }),
      /to root only/,
      /sysctl -w kernel\.unprivileged_userns_clone=1/,
    ],
    [
      "AppArmor takes their rights",
      host({ files: { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" } }),
      /AppArmor/,
      /apparmor_restrict_unprivileged_userns=0/,
    ],
    [
      "the user has no user ids",
      host({ ranges: { user: undefined, group: range } }),
      /\/etc\/subuid gives ann no user ids/,
      /usermod --add-subuids 100000-165535 ann/,
    ],
    [
      "the user has no group ids",
      host({ ranges: { user: range, group: undefined } }),
      /\/etc\/subgid gives ann no group ids/,
      /usermod --add-subgids 100000-165535 ann/,
    ],
    [
      "the range is too small",
      host({ ranges: { user: { first: 100_000, count: 65_535 }, group: range } }),
      /65535 user ids, and a guest needs 65536/,
      /add-subuids/,
    ],
    [
      "newuidmap is missing",
      host({ without: ["newuidmap"] }),
      /newuidmap is not installed/,
      /apt-get install uidmap/,
    ],
    [
      "bubblewrap is missing",
      host({ without: ["bwrap"] }),
      /bwrap is not installed/,
      /apt-get install bubblewrap/,
    ],
    ["it is a Mac", host({ platform: "darwin" }), /darwin, not Linux/, /VMs/],
    ["its processor is another one", host({ arch: "riscv64" }), /riscv64/, /VMs/],
    [
      "root's container has too few ids",
      host({
        user: { id: 0, name: "root" },
        ranges: { user: { first: 0x6fff0000, count: 65_536 }, group: range },
        files: { "/proc/self/uid_map": "0 1000 1\n1 100000 65535\n" },
      }),
      /no user ids from 1878982656 on/,
      /start the container with more ids/,
    ],
  ];
  for (const [name, facts, what, hint] of cases) {
    it(`is told when ${name}`, () => {
      const [lack, ...others] = lacksOf(facts);
      assert.deepEqual(others, []);
      assert.match(lack!.what, what);
      assert.match(lack!.hint, hint);
    });
  }

  it("is told all at once", () => {
    const facts = host({ without: ["bwrap", "newgidmap"], ranges: { user: undefined, group: undefined } });
    assert.equal(lacksOf(facts).length, 4);
  });

  it("is less for root, whom neither the helpers nor the settings for ordinary users concern", () => {
    const facts = host({
      user: { id: 0, name: "root" },
      without: ["newuidmap", "newgidmap"],
      files: {
        "/proc/sys/kernel/unprivileged_userns_clone": "0\n",
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
      },
    });
    assert.deepEqual(lacksOf(facts), []);
  });
});

describe("images of another architecture", () => {
  it("need its emulator, which is found under both of its names", () => {
    for (const [missing, found] of [
      ["none", "/usr/bin/qemu-aarch64-static"],
      ["qemu-aarch64-static", "/usr/bin/qemu-aarch64"],
    ]) {
      const { host: found_ } = findAbilities("aarch64", host({ without: [missing!] }));
      assert.ok(found_?.emulator?.endsWith(`:${found}:F`), found_?.emulator);
    }
    const [lack] = lacksOf(host({ without: ["qemu-aarch64-static", "qemu-aarch64"] }), "aarch64");
    assert.match(lack!.what, /qemu-aarch64-static.* is not installed/);
  });

  it("need a kernel that has them in a namespace", () => {
    assert.match(lacksOf(host({ kernel: "6.6.99" }), "aarch64")[0]!.what, /kernel 6\.6\.99 cannot run/);
    assert.deepEqual(lacksOf(host({ kernel: "6.7.0-rc1" }), "aarch64"), []);
    assert.match(lacksOf(host({ exists: () => false }), "aarch64")[0]!.hint, /modprobe binfmt_misc/);
  });

  it("need nothing on a host of their own", () => {
    assert.equal(findAbilities("aarch64", host({ arch: "arm64" })).host?.emulator, undefined);
  });
});

describe("ranges of ids", () => {
  const ann = { name: "ann", id: 1000 };
  it("are a user's by name or by number; the largest counts", () => {
    const text = "# a comment\nbob:1:99999999\nann:100000:10\n1000:200000:70000\nann:300000:65536\n";
    assert.deepEqual(largestRange(text, ann), { first: 200_000, count: 70_000 });
    assert.equal(largestRange("annabel:1:99999\nann:x:2\n", ann), undefined);
  });

  it("have to be the process's own to give", () => {
    const map = "         0     100000      65536\n     65536     900000      70000\n";
    assert.equal(hasIds(map, { first: 65_536, count: 70_000 }), true);
    assert.equal(hasIds(map, { first: 65_536, count: 70_001 }), false);
    assert.equal(hasIds(map, { first: 100_000, count: 65_536 }), false);
  });
});
