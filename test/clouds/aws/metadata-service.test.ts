import assert from "node:assert/strict";
import { awsMetadata } from "../../../clouds/aws/metadata-service.ts";
import { instance, served } from "../../helpers/instance.ts";

describe("AWS's metadata service", () => {
  let clock = 0;
  const ask = served(() => awsMetadata(instance, () => clock));
  const ttl = "X-aws-ec2-metadata-token-ttl-seconds";
  const tokenFor = async (seconds = "60"): Promise<Record<string, string>> => {
    const { status, body } = await ask("/latest/api/token", { [ttl]: seconds }, "PUT");
    assert.equal(status, 200);
    return { "X-aws-ec2-metadata-token": body };
  };
  const get = async (path: string): Promise<string> => {
    const { status, body } = await ask(path, await tokenFor());
    assert.equal(status, 200, path);
    return body;
  };

  it("gives what Tiny Cloud asks for", async () => {
    assert.equal(await get("/latest/meta-data/hostname"), "test-0-bios.ec2.internal");
    assert.equal(await get("/latest/meta-data/public-keys"), "0=boot-test");
    assert.equal(await get("/latest/meta-data/public-keys/0/openssh-key"), instance.sshPublicKey);
    assert.equal(await get("/latest/user-data"), instance.userData);
  });

  it("gives what cloud-init walks through, with a slash after what has more inside", async () => {
    assert.match(await get("/2021-03-23/meta-data/instance-id"), /^i-[0-9a-f]{17}$/);
    const names = (await get("/2021-03-23/meta-data/")).split("\n");
    assert.ok(names.includes("public-keys/") && names.includes("local-hostname"), names.join());
    assert.equal(await get("/2021-03-23/meta-data/network/interfaces/macs/"), "52:54:00:a1:b1:00/");
    const document = await get("/2021-03-23/dynamic/instance-identity/document");
    assert.match((JSON.parse(document) as { instanceId: string }).instanceId, /^i-ec2/);
  });

  it("answers nothing without a token of its own", async () => {
    assert.equal((await ask("/latest/meta-data/hostname")).status, 401);
    assert.equal((await ask("/latest/user-data", { "X-aws-ec2-metadata-token": "AQAAguess" })).status, 401);
    assert.equal((await ask("/")).status, 401);
  });

  it("gives tokens only for a time, and only so long as that", async () => {
    for (const headers of [{}, { [ttl]: "0" }, { [ttl]: "21601" }, { [ttl]: "soon" }]) {
      assert.equal((await ask("/latest/api/token", headers, "PUT")).status, 400, JSON.stringify(headers));
    }
    const token = await tokenFor("5");
    assert.equal((await ask("/latest/user-data", token)).status, 200);
    clock += 6;
    assert.equal((await ask("/latest/user-data", token)).status, 401);
  });

  it("gives none to those who forward, and none by GET", async () => {
    const forwarded = { [ttl]: "60", "X-Forwarded-For": "10.0.0.1" };
    assert.equal((await ask("/latest/api/token", forwarded, "PUT")).status, 403);
    assert.equal((await ask("/latest/api/token", { [ttl]: "60" })).status, 405);
  });

  it("says what is not there, and takes nothing", async () => {
    const token = await tokenFor();
    assert.equal((await ask("/latest/meta-data/none", token)).status, 404);
    assert.equal((await ask("/1999-01-01/meta-data/hostname", token)).status, 404);
    assert.equal((await ask("/latest/user-data", token, "POST")).status, 405);
  });

  describe("of an instance without user data", () => {
    const { id, hostname, login, sshPublicKey } = instance;
    const askPlain = served(() => awsMetadata({ id, hostname, login, sshPublicKey }));
    it("has none", async () => {
      const { body } = await askPlain("/latest/api/token", { [ttl]: "60" }, "PUT");
      assert.equal((await askPlain("/latest/user-data", { "X-aws-ec2-metadata-token": body })).status, 404);
    });
  });
});
