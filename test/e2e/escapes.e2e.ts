/**
 * What a hostile script can do in a build guest in namespaces: as root, and as an ordinary user with ids in /etc/subuid. Root
 * becomes one in a mount namespace with files of its own in place of /etc/subuid and others, so the machine is left as it was.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { join, relative } from "node:path";
import { hostArchitecture } from "../../src/builder/host-architecture.ts";
import { openBuildPlace } from "../../src/builder/place.ts";
import { startProgress } from "../../src/builder/progress.ts";
import { processesWith, waitUntil } from "../helpers/processes.ts";
import { projectCopy, projectRoot } from "../helpers/project-copy.ts";
import { temporaryFolder } from "../helpers/temporary.ts";
import { skipWithoutMirror } from "./declared-image.ts";
import type { EscapeJob, EscapeResult } from "./escapes/guest.ts";
import { giveTo, type User, users } from "./escapes/users.ts";

describe("a hostile script in a guest in namespaces", function () {
  this.timeout(180_000);
  this.slow(60_000);

  let archive: string;
  let copy: string;
  let secrets: string;
  const servers: Server[] = [];
  let port = 0;
  const abstract = `escapes-${process.pid}`;

  before(async function () {
    skipWithoutMirror(this);
    const mirrorFolder = join(projectRoot, ".tools/offline/mirror");
    const keys = join(mirrorFolder, "keys");
    const mirror = {
      name: "offline",
      url: `file://${mirrorFolder}`,
      keyFiles: readdirSync(keys).map((name) => join(keys, name)),
    };
    const settings = { mirror, isolation: "namespace", accelerator: "tcg" } as const;
    const { appliance } = await openBuildPlace(
      hostArchitecture()!,
      settings,
      startProgress("escapes", () => {}),
    );

    copy = projectCopy().root;
    for (const name of ["test/e2e/escapes"])
      cpSync(join(projectRoot, name), join(copy, name), { recursive: true });
    chmodSync(copy, 0o755);
    archive = join(copy, "appliance.cpio");
    cpSync(appliance.archive, archive);
    mkdirSync(join(copy, "work/tmp"), { recursive: true });

    secrets = temporaryFolder();
    chmodSync(secrets, 0o777);
    writeFileSync(join(secrets, "secret"), "the host's secret");
    for (const where of [0, join(secrets, "socket"), `\0${abstract}`]) {
      const server = createServer((socket) => socket.on("error", () => {}).end("a service of the host"));
      await new Promise<void>((resolve) =>
        typeof where === "number"
          ? server.listen(where, "127.0.0.1", resolve)
          : server.listen(where, resolve),
      );
      if (typeof where === "number") port = (server.address() as AddressInfo).port;
      servers.push(server);
    }
    chmodSync(join(secrets, "socket"), 0o777);
  });
  after(() => servers.forEach((server) => server.close()));

  /** Runs a script in a guest. Nothing may be left of it. */
  async function run(user: User, script: string, more: Partial<EscapeJob> = {}): Promise<EscapeResult> {
    const job: EscapeJob = { archive, script, files: {}, memoryMib: 384, deadlineSeconds: 60, ...more };
    const program = join(copy, "test/e2e/escapes/guest.ts");
    const [command, ...args] = [...user.become, process.execPath, program] as unknown as [
      string,
      ...string[],
    ];
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] },
    });
    child.stdin.end(JSON.stringify(job));
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    assert.notEqual(output, "", errors);
    await waitUntil("nothing runs any more", () => processesWith(copy).length === 0);
    await waitUntil("no file is left", () => readdirSync(join(copy, "work/tmp")).length === 0);
    assert.equal(readFileSync("/proc/mounts", "utf8").includes(copy), false, "something is still mounted");
    return JSON.parse(output) as EscapeResult;
  }

  it("has something to get: the host itself reads its files and reaches its services", () => {
    const names = "^(file by its path|the loopback of the host|an? (abstract )?socket of the host)$";
    const script = join(projectRoot, "test/e2e/escapes/attempts.pl");
    const answers = execFileSync("perl", [script, secrets, String(port), abstract, String(process.pid)], {
      encoding: "utf8",
      env: { ONLY: names },
    });
    const got = "GOT a connection";
    assert.deepEqual(answers.trim().split("\n"), [
      "file by its path GOT the host's secret",
      `the loopback of the host ${got}`,
      `a socket of the host ${got}`,
      `an abstract socket of the host ${got}`,
    ]);
  });

  for (const user of users()) {
    describe(`of ${user.name}`, () => {
      before(() => {
        giveTo(user, join(copy, "work"));
      });

      it("gets nothing of the host: files, sockets, processes, devices, mounts, keyrings, networks", async () => {
        const script = `set -eu
export PERL5LIB=/job/perl/lib
/job/perl/ld.so --library-path /job/perl /job/perl/perl /job/attempts "${secrets}" ${port} ${abstract} ${process.pid} >/tmp/answers
echo "result [$(sed 's/["\\\\]//g; s/.*/"&"/' /tmp/answers | tr '\\n' ',' | sed 's/,$//')]" >&3
`;
        const { result, message, console } = await run(user, script, { files: perlFiles() });
        assert.ok(Array.isArray(result), `${message}\n${console}`);
        const answers = result as string[];
        const attempts = readFileSync(join(projectRoot, "test/e2e/escapes/attempts.pl"), "utf8").match(
          /^ *attempt\(/gm,
        )!;
        assert.ok(
          answers.length >= attempts.length,
          `${answers.length} of ${attempts.length} attempts were made`,
        );
        assert.deepEqual(
          answers.filter((answer) => !/ refused \(.+\)$/.test(answer)),
          [],
        );
        process.stdout.write(`      ${answers.length} attempts as ${user.name}, all refused\n`);
      });

      it("cannot fork without end", async () => {
        const script = `echo "phase 10 fork" >&3
bomb() { bomb | bomb & }
bomb
sleep 5
echo 'result "survived"' >&3
`;
        const others = (): number => readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
        const before = others();
        let most = 0;
        const watch = setInterval(() => (most = Math.max(most, others() - before)), 100);
        const outcome = await run(user, script, { deadlineSeconds: 10 });
        clearInterval(watch);
        assert.ok(
          ["guest-timeout", undefined, "guest-no-report", "guest-script-failed"].includes(outcome.code),
          outcome.code,
        );
        assert.match(outcome.console, /can't fork|Resource temporarily unavailable/);
        assert.ok(most < 700, `there were ${most} more processes`);
      });

      it("cannot fill the host's disk: not its disk's file, not its log, not its memory's files", async () => {
        const script = `set -u
echo "phase 10 fill" >&3
size() { stat -c %s "$1"; }
dd if=/dev/zero of=/disks/disk bs=1M count=2000 conv=notrunc 2>/dev/null
dd if=/dev/zero of=/work/large bs=1M count=2000 2>/dev/null
dd if=/dev/zero of=/tmp/large bs=1M count=2000 2>/dev/null
disk=$(size /disks/disk); work=$(size /work/large); tmp=$(size /tmp/large)
rm /work/large /tmp/large
echo "result {\\"disk\\":$disk,\\"work\\":$work,\\"tmp\\":$tmp}" >&3
# Its output is the host's file, too. The signal for too large a file ends this.
while :; do dd if=/dev/zero bs=1M count=100 2>/dev/null || exit 1; done
`;
        const { result } = await run(user, script);
        const sizes = result as Record<string, number>;
        for (const [name, size] of Object.entries(sizes)) {
          assert.ok(size > 0 && size <= 384 << 20, `${name} has ${size} bytes`);
        }
      });

      it("cannot take the host's memory with many processes, and is told so", async () => {
        const script = `echo "phase 10 take memory" >&3
for i in 1 2 3 4 5 6 7 8; do awk 'BEGIN { s = "x"; for (i = 0; i < 27; i++) s = s s; while (1) n += length(s) }' & done
sleep 100
`;
        const { code, message } = await run(user, script, { memoryMib: 300 });
        assert.equal(code, "guest-no-report");
        assert.match(message!, /its processes used \d+ MiB of memory, and may use 300/);
      });

      it("cannot take more memory than it may with one process", async () => {
        const script = `awk 'BEGIN { s = "x"; for (i = 0; i < 30; i++) s = s s; print length(s) }' && exit 1
echo 'result "refused"' >&3
`;
        assert.equal((await run(user, script)).result, "refused");
      });

      it("does not outlast its deadline, whatever it ignores", async () => {
        const script = `trap '' TERM HUP INT QUIT
echo "phase 10 stay" >&3
setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' &
while :; do sleep 1; done
`;
        const { code } = await run(user, script, { deadlineSeconds: 3 });
        assert.equal(code, "guest-timeout");
      });
    });
  }
});

/** The host's perl with its libraries, as files of a job. */
function perlFiles(): Record<string, string> {
  const perl = "/usr/bin/perl";
  const libraries = execFileSync("ldd", [perl], { encoding: "utf8" });
  const files: Record<string, string> = {
    attempts: join(projectRoot, "test/e2e/escapes/attempts.pl"),
    "perl/perl": perl,
  };
  for (const [, name, file] of libraries.matchAll(/^\s*(\S+) => (\/\S+)/gm)) files[`perl/${name}`] = file!;
  files["perl/ld.so"] = /^\s*(\/\S+ld-linux\S*)/m.exec(libraries)![1]!;
  const base = execFileSync(perl, ["-MPOSIX", "-e", "print $INC{'POSIX.pm'}"], { encoding: "utf8" }).replace(
    /\/POSIX\.pm$/,
    "",
  );
  for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[`perl/lib/${relative(base, file)}`] = file;
  }
  assert.ok(existsSync(files["perl/ld.so"]));
  return files;
}
