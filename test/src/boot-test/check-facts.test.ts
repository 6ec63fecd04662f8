import { tinyCloudOf } from "../../../src/boot-test/boot-cloud.ts";
import { aws } from "../../../clouds/aws/index.ts";
import { nocloud } from "../../../clouds/nocloud/index.ts";
import { clouds } from "../../../clouds/registry.ts";
import assert from "node:assert/strict";
import {
  type Expectations,
  expectedServices,
  checkFacts,
  parseFacts,
  standInsOf,
} from "../../../src/boot-test/check-facts.ts";
import type { Answered } from "../../../src/boot-test/metadata/server.ts";
import { someVariant } from "../../helpers/variant.ts";

const variant = someVariant({ bootstrap: "tiny" });
const expected: Expectations = {
  cloud: nocloud,
  tinyClouds: clouds.map(tinyCloudOf),
  hostname: "test-0-bios",
  kernel: "6.18.56-0-virt",
  diskMib: 628,
  nonce: "a1b1",
  requests: undefined,
  forbidden: ["10.0.2.2:4711", "169.254.169.254:80"],
  hostConnections: 0,
  console: "SYSLINUX 6.04\nBooting `Linux virt'\n",
};

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
  user_data: "a1b1",
  datasource_list: "",
  tiny_cloud_packages: "tiny-cloud-nocloud tiny-cloud-openrc",
  stand_ins: "tiny-cloud tiny-cloud-nocloud",
  "reach.127.0.0.1:22": "open",
  "reach.10.0.2.2:4711": "closed",
  "reach.169.254.169.254:80": "closed",
  end: "yes",
};
const text = (facts: Record<string, string>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
/** Names of the checks that fail, with what was found. */
const failures = (
  changes: Record<string, string>,
  judged = variant,
  expectations: Partial<Expectations> = {},
): string[] =>
  checkFacts(judged, { ...expected, ...expectations }, parseFacts(text({ ...good, ...changes })))
    .filter(({ passed }) => !passed)
    .map(({ name, found }) => `${name}: ${found}`);

describe("the judge of a booted image", () => {
  it("passes a good one", () => {
    assert.deepEqual(failures({}), []);
    assert.equal(checkFacts(variant, expected, parseFacts(text(good))).length, 18);
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
    ["user data that did not run", { user_data: "" }, "user data: , not a1b1"],
    [
      "another cloud's data source",
      { tiny_cloud_packages: "tiny-cloud-aws tiny-cloud-nocloud" },
      "data source: aws nocloud",
    ],
    [
      "a guest that reaches its host",
      { "reach.10.0.2.2:4711": "open" },
      "reaches nothing of its host: 10.0.2.2:4711 open",
    ],
    [
      "a guest that did not try an address",
      { "reach.169.254.169.254:80": "" },
      "reaches nothing of its host: 169.254.169.254:80 ",
    ],
    [
      "a guest that could reach nothing at all",
      { "reach.127.0.0.1:22": "closed" },
      "reaches nothing of its host: its own 127.0.0.1:22 closed",
    ],
    ["facts that break off", { end: "" }, "all facts told: , not yes"],
  ];
  for (const [what, changes, failure] of faults) {
    it(`sees ${what}`, () => assert.deepEqual(failures(changes), [failure]));
  }

  it("sees a connection to the host that the guest does not own up to", () => {
    assert.deepEqual(failures({}, variant, { hostConnections: 1 }), [
      "reaches nothing of its host: 1 connections to the host",
    ]);
  });

  it("sees a bootloader that did without its terminals", () => {
    const console = "error: serial port `com0' isn't found.\nerror: terminal `serial' isn't found.\n";
    assert.deepEqual(failures({}, variant, { console }), [
      "terminals that the bootloader has not found: serial port `com0' isn't found, terminal `serial' isn't found",
    ]);
  });

  it("asks cloud-init's images for the one data source of their cloud", () => {
    const image = someVariant({ bootstrap: "cloudinit", cloud: "aws" });
    assert.deepEqual(failures({ datasource_list: '["Ec2"]' }, image, { cloud: aws }), []);
    assert.deepEqual(failures({ datasource_list: "['NoCloud', 'Ec2']" }, image, { cloud: aws }), [
      "data source: ['NoCloud', 'Ec2']",
    ]);
  });

  describe("of what metadata services were asked", () => {
    const judged = (...requests: Answered[]): string[] => failures({}, variant, { requests });
    const get = (url: string, status: number): Answered => ({ method: "GET", url, status });

    it("wants an answer", () => {
      assert.deepEqual(judged(get("/latest/user-data", 200)), []);
      assert.deepEqual(judged(), ["metadata service: 0 answers"]);
      assert.equal(judged({ method: "PUT", url: "/latest/api/token", status: 200 }).length, 1);
    });

    it("lets an instance ask for what is not there", () => {
      assert.deepEqual(
        judged(get("/a", 200), get("/computeMetadata/v1/project/attributes/ssh-keys", 404)),
        [],
      );
    });

    it("sees a request that was refused", () => {
      assert.deepEqual(judged(get("/a", 200), get("/latest/meta-data/", 401)), [
        "metadata service: refused GET /latest/meta-data/ (401)",
      ]);
    });
  });

  it("names the packages that are stand-ins", () => {
    assert.deepEqual(standInsOf(parseFacts(text(good))), ["tiny-cloud", "tiny-cloud-nocloud"]);
    assert.deepEqual(standInsOf(new Map()), []);
  });

  it("lets a configuration add keys", () => {
    const trusting = someVariant({ repoKeys: ["configs/overlays/mine/b.rsa.pub", "a.rsa.pub"] });
    assert.deepEqual(failures({ added_keys: "a.rsa.pub b.rsa.pub" }, trusting), []);
    assert.equal(failures({}, trusting).length, 1);
  });

  it("never shows a password's hash", () => {
    assert.ok(!failures({ root_password: "$6$salt$secrethash" }).join().includes("secret"));
  });

  it("passes nothing on silence", () => {
    const checks = checkFacts(variant, { ...expected, console: "" }, new Map());
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
