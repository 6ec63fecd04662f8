/** The Tiny Cloud stand-in against metadata services that answer as strictly as their clouds' do. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { execa } from "execa";
import { listenOnLoopback } from "../../../src/lib/loopback.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { recipesDirectory } from "../../../offline-kit/mirror/recipes.ts";

/** The machine's own tools are busybox's. */
const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((file) => existsSync(file));

/** What a service answers; undefined is 404, a number that status. */
type Answer = string | number | undefined;
type Service = (request: IncomingMessage) => Answer;

const script = "#!/bin/sh\necho hello\n";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** One session token per PUT; a question without one that was given is refused, as where version 1 is off. */
function aws(paths: Readonly<Record<string, string>>): Service {
  const tokens = new Set<string>();
  return ({ method, url = "", headers }) => {
    if (url === "/latest/api/token") {
      if (method !== "PUT") return 405;
      if (!/^[1-9]\d*$/.test(String(headers["x-aws-ec2-metadata-token-ttl-seconds"]))) return 400;
      tokens.add(`token${tokens.size}`);
      return [...tokens].at(-1);
    }
    if (!tokens.has(String(headers["x-aws-ec2-metadata-token"]))) return 401;
    return paths[url];
  };
}

/** Answers those who send this header. */
const withHeader =
  (name: string, value: string, refusal: number, paths: Readonly<Record<string, string>>): Service =>
  ({ url = "", headers }) =>
    headers[name] === value ? paths[url] : refusal;

const azureQuery = "?api-version=2021-05-01&format=text";
const services: Record<string, Service> = {
  aws: aws({
    "/latest/meta-data/hostname": "one.ec2.internal",
    "/latest/meta-data/public-keys/": "0=my key\n1=other",
    "/latest/meta-data/public-keys/0/openssh-key": "ssh-ed25519 AAA a\n",
    "/latest/meta-data/public-keys/1/openssh-key": "ssh-ed25519 BBB b",
    "/latest/user-data": script,
  }),
  azure: withHeader("metadata", "true", 400, {
    [`/metadata/instance/compute/name${azureQuery}`]: "one",
    [`/metadata/instance/compute/publicKeys${azureQuery}`]: "0/\n1/",
    [`/metadata/instance/compute/publicKeys/0/keyData${azureQuery}`]: "ssh-ed25519 AAA a",
    [`/metadata/instance/compute/publicKeys/1/keyData${azureQuery}`]: "ssh-ed25519 BBB b\r\n",
    [`/metadata/instance/compute/userData${azureQuery}`]: base64(script),
  }),
  gcp: withHeader("metadata-flavor", "Google", 403, {
    "/computeMetadata/v1/instance/hostname": "one.c.project.internal",
    "/computeMetadata/v1/project/attributes/ssh-keys": "bob:ssh-ed25519 AAA a",
    "/computeMetadata/v1/instance/attributes/ssh-keys": "alice:ssh-ed25519 BBB b\n",
    "/computeMetadata/v1/instance/attributes/user-data": script,
  }),
  oci: withHeader("authorization", "Bearer Oracle", 404, {
    "/opc/v2/instance/hostname": "one",
    "/opc/v2/instance/metadata/ssh_authorized_keys": "ssh-ed25519 AAA a\nssh-ed25519 BBB b\n",
    "/opc/v2/instance/metadata/user_data": base64(script),
  }),
};

interface Machine {
  root: string;
  /** `METHOD URL STATUS` of all that was asked, in order. */
  asked: string[];
  stderr: string;
}

describe("Tiny Cloud's stand-in", function () {
  this.timeout(20_000);
  before(function () {
    if (busybox !== undefined) return;
    console.log("      skipped: needs busybox (npm run bootstrap -- --offline-kit installs it)");
    this.skip();
  });

  for (const cloud of Object.keys(services)) {
    it(`takes host name, keys and user data from ${cloud}`, async () => {
      const { root, asked } = await firstBoot([cloud], services[cloud]!);
      assert.equal(await readFile(join(root, "etc/hostname"), "utf8"), "one\n");
      const keys = await readFile(join(root, "home/alpine/.ssh/authorized_keys"), "utf8");
      assert.equal(keys, "ssh-ed25519 AAA a\nssh-ed25519 BBB b\n");
      assert.equal(await readFile(join(root, "var/log/user-data.log"), "utf8"), "hello\n");
      assert.ok(existsSync(join(root, "var/lib/cloud/.bootstrap-complete")));
      assert.deepEqual(
        asked.filter((line) => !line.endsWith(" 200")),
        [],
      );
    });
  }

  it("asks AWS for a token before each question, and nothing without one", async () => {
    const { asked } = await firstBoot(["aws"], services.aws!);
    const questions = asked.map((line, index) => [asked[index - 1] ?? "", line] as const);
    for (const [before, line] of questions) {
      if (line.startsWith("GET")) assert.equal(before, "PUT /latest/api/token 200");
    }
    const refused = await firstBoot(["aws"], () => 403);
    assert.deepEqual([...new Set(refused.asked)], ["PUT /latest/api/token 403"]);
    assert.match(refused.stderr, /aws: no instance data/);
  });

  it("does without user data and keys where nobody gave any", async () => {
    const { root } = await firstBoot(["aws"], aws({ "/latest/meta-data/hostname": "bare" }));
    assert.equal(await readFile(join(root, "etc/hostname"), "utf8"), "bare\n");
    assert.ok(!existsSync(join(root, "home/alpine/.ssh")));
    assert.ok(!existsSync(join(root, "var/lib/cloud/user-data")));
  });

  it("waits for a service that is late", async () => {
    let late = 1;
    const service: Service = (request) => (late-- > 0 ? 500 : services.oci!(request));
    const { root } = await firstBoot(["oci"], service);
    assert.equal(await readFile(join(root, "etc/hostname"), "utf8"), "one\n");
  });

  it("runs user data again at the next boot when they failed, and nothing more once all went well", async () => {
    const failing = { ...services, oci: withUserData("#!/bin/sh\nexit 3\n") };
    const first = await firstBoot(["oci"], failing.oci);
    assert.match(first.stderr, /user data failed with 3/);
    assert.ok(!existsSync(join(first.root, "var/lib/cloud/.bootstrap-complete")));
    const second = await boot(first.root, services.oci!);
    assert.ok(second.asked.length > 0);
    const third = await boot(first.root, services.oci!);
    assert.deepEqual(third.asked, []);
  });

  it("does not guess between several clouds", async () => {
    const { asked, stderr } = await firstBoot(["aws", "oci"], services.oci!);
    assert.deepEqual(asked, []);
    assert.match(stderr, /several clouds are installed/);
  });
});

function withUserData(text: string): Service {
  return (request) => (request.url?.endsWith("user_data") === true ? base64(text) : services.oci!(request));
}

/** A machine that has these clouds' packages, and goes through the phases that need no disk. */
async function firstBoot(clouds: readonly string[], service: Service): Promise<Machine> {
  const root = temporaryFolder();
  const packages = join(recipesDirectory, "stand-ins");
  for (const name of ["tiny-cloud", ...clouds.map((cloud) => `tiny-cloud-${cloud}`)]) {
    await cp(join(packages, name, "files"), root, { recursive: true });
  }
  await mkdir(join(root, "bin"));
  for (const tool of ["sh", "wget", "nc", "timeout", "awk", "sed", "base64"])
    await symlink(busybox!, join(root, "bin", tool));
  await writeFile(join(root, "bin/sleep"), "#!/bin/sh\n", { mode: 0o755 });
  for (const folder of ["var/lib/cloud", "var/log", "home/alpine"])
    await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, "etc/passwd"), "alpine:x:1000:1000::/home/alpine:/bin/sh\n");
  return await boot(root, service);
}

async function boot(root: string, service: Service): Promise<Machine> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const answer = service(request) ?? 404;
    const status = typeof answer === "number" ? answer : 200;
    asked.push(`${request.method} ${request.url} ${status}`);
    response.writeHead(status).end(typeof answer === "string" ? answer : "refused");
  });
  const port = await listenOnLoopback(server);
  try {
    let stderr = "";
    for (const phase of ["early", "main", "final"]) {
      const done = await execa(join(root, "bin/sh"), [join(root, "sbin/tiny-cloud"), phase], {
        env: {
          PATH: `${root}/bin:${process.env.PATH}`,
          TINY_CLOUD_ROOT: root,
          TINY_CLOUD_LIBRARY: join(root, "usr/lib/tiny-cloud"),
          TINY_CLOUD_IMDS: `127.0.0.1:${port}`,
        },
        extendEnv: false,
        reject: false,
      });
      stderr += done.stderr;
    }
    return { root, asked, stderr };
  } finally {
    server.close();
  }
}
