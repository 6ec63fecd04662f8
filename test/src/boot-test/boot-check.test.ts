import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseFacts } from "../../../src/boot-test/check-facts.ts";
import { projectRoot } from "../../helpers/project-copy.ts";
import { runProgram } from "../../helpers/processes.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

/** boot-check with stub programs first on PATH: name → shell text. */
async function factsOf(stubs: Record<string, string>, ...services: string[]): Promise<Map<string, string>> {
  const folder = temporaryFolder();
  const userData = join(folder, "user-data");
  writeFileSync(userData, "a1b1\n");
  mkdirSync(join(folder, "bin"));
  const defaults = {
    // The only places it reads by name are /run/openrc and /etc; the stub of cat gives what an image has there.
    cat: `case $1 in
      /run/openrc/softlevel) echo default ;;
      /etc/alpine-release) echo 3.23.6 ;;
      /etc/hostname) echo test ;;
      /lib/apk/db/installed) printf '%s\\n' P:musl 'T:the musl library' '' P:tiny-cloud 'T:Tiny Cloud (offline kit stand-in)' '' P:tiny-cloud-aws T:AWS ;;
      /etc/cloud/cloud.cfg) printf '%s\\n' 'datasource_list: [ "None" ]' 'datasource_list: ["Ec2"]' ;;
      *) exec /bin/cat "$@" ;;
    esac`,
    hostname: "echo test",
    doas: `case $1 in cat) printf 'root:!:1:\\ndaemon:*:1:\\n' ;; *) echo root ;; esac`,
    sudo: "echo 'sudo: not here' >&2; exit 1",
    nc: `[ "$*" = "-w 2 127.0.0.1 22" ]`,
  };
  for (const [name, text] of Object.entries({ ...defaults, ...stubs })) {
    writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const env = {
    ...process.env,
    PATH: `${join(folder, "bin")}:${process.env.PATH}`,
    USER_DATA_FILE: userData,
    REACH: "127.0.0.1:22 10.0.2.2:4711",
  };
  const script = join(projectRoot, "src/boot-test/boot-check");
  const { code, stdout, stderr } = await runProgram("sh", [script, ...services], { env });
  assert.equal(code, 0, stderr);
  return parseFacts(stdout);
}

describe("boot-check", () => {
  it("tells the facts that the judge asks for, and that they are all", async () => {
    const facts = await factsOf({}, "sshd");
    const names = [
      "user",
      "hostname",
      "kernel",
      "release",
      "machine",
      "command_line",
      "doas_user",
      "sudo_user",
    ];
    for (const name of [
      ...names,
      "root_password",
      "root_filesystem_kib",
      "failed_services",
      "added_keys",
      "service.sshd",
    ]) {
      assert.ok(facts.has(name), name);
    }
    assert.equal(facts.get("release"), "3.23.6");
    assert.equal(facts.get("doas_user"), "root");
    assert.equal(facts.get("root_password"), "!");
    assert.match(facts.get("root_filesystem_kib")!, /^[1-9][0-9]+$/);
    assert.equal(facts.get("end"), "yes");
  });

  it("tells what the user data wrote, and which addresses can be reached", async () => {
    const facts = await factsOf({});
    assert.equal(facts.get("user_data"), "a1b1");
    assert.equal(facts.get("reach.127.0.0.1:22"), "open");
    assert.equal(facts.get("reach.10.0.2.2:4711"), "closed");
  });

  it("tells the data source that counts, Tiny Cloud's packages, and which ones are stand-ins", async () => {
    const facts = await factsOf({});
    assert.equal(facts.get("datasource_list"), '["Ec2"]');
    assert.equal(facts.get("tiny_cloud_packages"), "tiny-cloud-aws");
    assert.equal(facts.get("stand_ins"), "tiny-cloud");
  });

  it("goes on when a program fails, and tells that it did", async () => {
    const facts = await factsOf({ doas: "echo 'doas: Operation not permitted' >&2; exit 1" });
    assert.equal(facts.get("doas_user"), "doas: Operation not permitted");
    assert.equal(facts.get("root_password"), "");
    assert.equal(facts.get("end"), "yes");
  });

  it("reads root's entry by sudo where there is no doas", async () => {
    const facts = await factsOf({
      doas: "exit 127",
      sudo: `shift; case $1 in cat) echo 'root:!*:1:' ;; *) echo root ;; esac`,
    });
    assert.equal(facts.get("sudo_user"), "root");
    assert.equal(facts.get("root_password"), "!*");
  });
});
