import assert from "node:assert/strict";
import { gcpMetadata } from "../../../clouds/gcp/metadata-service.ts";
import { instance, served } from "../../helpers/instance.ts";

describe("Google Cloud's metadata server", () => {
  const ask = served(() => gcpMetadata(instance));
  const flavor = { "Metadata-Flavor": "Google" };
  const top = "/computeMetadata/v1";
  const get = async (path: string): Promise<string> => {
    const { status, body } = await ask(`${top}/${path}`, flavor);
    assert.equal(status, 200, path);
    return body;
  };

  it("gives what Tiny Cloud asks for", async () => {
    assert.equal(await get("instance/hostname"), "test-0-bios.europe-west1-b.c.boot-test.internal");
    assert.equal(await get("instance/attributes/ssh-keys"), `alpine:${instance.sshPublicKey}`);
    assert.equal(await get("instance/attributes/user-data"), instance.userData);
    assert.equal((await ask(`${top}/project/attributes/ssh-keys`, flavor)).status, 404);
  });

  it("gives what cloud-init asks for", async () => {
    assert.match(await get("instance/id"), /^\d+$/);
    assert.match(await get("instance/zone"), /^projects\/\d+\/zones\/[a-z0-9-]+$/);
    assert.deepEqual(JSON.parse(await get("instance/attributes/?recursive=True")), {
      "enable-guest-attributes": "TRUE",
      "ssh-keys": `alpine:${instance.sshPublicKey}`,
      "user-data": instance.userData,
    });
    assert.equal(await get("project/attributes/?recursive=True"), "{}");
  });

  it("lists what is inside, and leads there who forgot the slash", async () => {
    assert.equal(await get("instance/attributes/"), "enable-guest-attributes\nssh-keys\nuser-data\n");
    assert.ok((await get("instance/")).includes("attributes/\n"));
    assert.deepEqual(JSON.parse(await get("instance/name?alt=json")), "test-0-bios");
    const { status, headers } = await ask(`${top}/instance/attributes?recursive=true`, flavor);
    assert.equal(status, 301);
    assert.equal(headers.get("location"), `${top}/instance/attributes/?recursive=true`);
    assert.equal((await ask(`${top}/instance/name/`, flavor)).status, 404);
  });

  it("says who it is in every answer, and answers those alone who name it", async () => {
    const cases: [Record<string, string>, number][] = [
      [flavor, 200],
      [{}, 403],
      [{ "Metadata-Flavor": "google" }, 403],
      [{ ...flavor, "X-Forwarded-For": "10.0.0.1" }, 403],
    ];
    for (const [headers, status] of cases) {
      const reply = await ask(`${top}/instance/hostname`, headers);
      assert.equal(reply.status, status, JSON.stringify(headers));
      assert.equal(reply.headers.get("metadata-flavor"), "Google");
    }
  });

  it("takes what an instance says of itself: a key in a namespace, each", async () => {
    const put = async (path: string, headers = flavor): Promise<number> =>
      (await ask(`${top}/instance/${path}`, headers, "PUT")).status;
    assert.equal(await put("guest-attributes/hostkeys/ssh-ed25519"), 200);
    assert.equal(await put("guest-attributes/hostkeys"), 405);
    assert.equal(await put("attributes/hostkeys/ssh-ed25519"), 405);
    assert.equal(await put("guest-attributes/hostkeys/ssh-ed25519", { "Metadata-Flavor": "" }), 403);
  });

  it("knows no other version, and takes nothing else", async () => {
    assert.equal((await ask("/computeMetadata/v1beta1/instance/hostname", flavor)).status, 404);
    assert.equal((await ask(`${top}/instance/hostname`, flavor, "POST")).status, 405);
  });
});
