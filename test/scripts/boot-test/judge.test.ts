import assert from "node:assert/strict";
import { expectedServices, judge, parseFacts } from "../../../scripts/boot-test/judge.ts";
import { someVariant } from "../../helpers/variant.ts";

const variant = someVariant();
const expected = { hostname: "test-0-bios", kernel: "6.18.56-0-virt", diskMib: 628 };

/** What a good image says of itself; a test changes one line. */
const good: Record<string, string> = {
  user: "alpine",
  hostname: "test-0-bios",
  etc_hostname: "test-0-bios",
  kernel: "6.18.56-0-virt",
  release: "3.23.6",
  machine: "x86_64",
  command_line: "BOOT_IMAGE=vmlinuz-virt root=LABEL=/ console=tty0 console=ttyS0,115200n8",
  doas_user: "root",
  sudo_user: "sh: sudo: not found",
  root_password: "!",
  root_filesystem_kib: String(600 * 1024),
  failed_services: "",
  added_keys: "",
  "service.syslog": "started",
  "service.sshd": "started",
  end: "yes",
};
const text = (facts: Record<string, string>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
/** Names of the checks that fail, with what was found. */
const failures = (changes: Record<string, string>, judged = variant): string[] =>
  judge(judged, expected, parseFacts(text({ ...good, ...changes })))
    .filter(({ passed }) => !passed)
    .map(({ name, found }) => `${name}: ${found}`);

describe("the judge of a booted image", () => {
  it("passes a good one", () => {
    assert.deepEqual(failures({}), []);
    assert.equal(judge(variant, expected, parseFacts(text(good))).length, 14);
  });

  const faults: [string, Record<string, string>, string][] = [
    ["another hostname", { hostname: "localhost" }, "hostname: localhost, not test-0-bios"],
    ["another login", { user: "root" }, "login: root, not alpine"],
    ["no doas", { doas_user: "doas: not found" }, "doas: doas: not found, not root"],
    ["a root without password", { root_password: "" }, "root locked: "],
    ["a root with a password", { root_password: "$6$salt$hash" }, "root locked: $6"],
    ["another kernel", { kernel: "6.18.55-0-virt" }, "kernel: 6.18.55-0-virt, not 6.18.56-0-virt"],
    ["another release", { release: "3.23.5" }, "release: 3.23.5, not 3.23.6"],
    ["another architecture", { machine: "aarch64" }, "machine: aarch64, not x86_64"],
    [
      "a kernel option missing",
      { command_line: "console=tty0" },
      "kernel options: without console=ttyS0,115200n8",
    ],
    [
      "a filesystem that did not grow",
      { root_filesystem_kib: "118784" },
      "root filesystem grown: 116 of 628 MiB",
    ],
    ["a failed service", { failed_services: "chronyd" }, "no failed services: chronyd, not "],
    ["a service that is down", { "service.sshd": "stopped" }, "service sshd: stopped, not started"],
    [
      "a key that nobody asked for",
      { added_keys: "mirror.rsa.pub" },
      "keys that apk trusts beside Alpine's: mirror.rsa.pub, not ",
    ],
    ["facts that break off", { end: "" }, "all facts told: , not yes"],
  ];
  for (const [what, changes, failure] of faults) {
    it(`sees ${what}`, () => assert.deepEqual(failures(changes), [failure]));
  }

  it("lets a configuration add keys", () => {
    const trusting = someVariant({ repoKeys: ["configs/overlays/mine/b.rsa.pub", "a.rsa.pub"] });
    assert.deepEqual(failures({ added_keys: "a.rsa.pub b.rsa.pub" }, trusting), []);
    assert.equal(failures({}, trusting).length, 1);
  });

  it("never shows a password's hash", () => {
    assert.ok(!failures({ root_password: "$6$salt$secrethash" }).join().includes("secret"));
  });

  it("passes nothing on silence", () => {
    const checks = judge(variant, expected, new Map());
    assert.deepEqual(
      checks.filter(({ passed }) => passed),
      [],
    );
  });

  it("asks for sudo where the image has no doas", () => {
    const sudo = someVariant({ packages: { add: ["sudo", "doas-sudo-shim"], delete: [], noScripts: [] } });
    assert.deepEqual(failures({ doas_user: "no", sudo_user: "root" }, sudo), []);
    assert.match(failures({}, sudo).join(), /^sudo: .*not root$/);
    const tagged = someVariant({ packages: { add: ["doas@edge"], delete: [], noScripts: [] } });
    assert.deepEqual(failures({}, tagged), []);
  });

  it("asks edge for no release", () => {
    assert.deepEqual(
      failures({ release: "3.24_alpha" }, someVariant({ version: "edge", release: "20261101" })),
      [],
    );
  });

  it("expects every enabled service but those of the shutdown", () => {
    assert.deepEqual(expectedServices(variant), ["sshd", "syslog"]);
  });
});

describe("a guest's facts", () => {
  it("are read line by line, whatever the values hold", () => {
    const facts = parseFacts("a=1\ncommand_line=root=LABEL=/ quiet \nempty=\nno fact\n\r\n");
    assert.deepEqual(
      [...facts],
      [
        ["a", "1"],
        ["command_line", "root=LABEL=/ quiet"],
        ["empty", ""],
      ],
    );
  });
});
