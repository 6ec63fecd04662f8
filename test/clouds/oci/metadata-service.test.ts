import assert from "node:assert/strict";
import { ociMetadata } from "../../../clouds/oci/metadata-service.ts";
import { instance, served } from "../../helpers/instance.ts";

describe("Oracle Cloud's metadata service", () => {
  const ask = served(() => ociMetadata(instance));
  const authorized = { Authorization: "Bearer Oracle" };
  const get = async (path: string): Promise<string> => {
    const { status, body } = await ask(path, authorized);
    assert.equal(status, 200, path);
    return body;
  };

  it("gives what Tiny Cloud asks for", async () => {
    assert.equal(await get("/opc/v2/instance/hostname"), "test-0-bios");
    assert.equal(await get("/opc/v2/instance/metadata/ssh_authorized_keys"), instance.sshPublicKey);
    const userData = await get("/opc/v2/instance/metadata/user_data");
    assert.equal(Buffer.from(userData, "base64").toString(), instance.userData);
  });

  it("gives what cloud-init asks for", async () => {
    const data = JSON.parse(await get("/opc/v2/instance/")) as Record<string, unknown>;
    for (const name of ["ociAdName", "id", "hostname", "displayName", "metadata"]) {
      assert.ok(data[name] !== undefined, name);
    }
    const [card] = JSON.parse(await get("/opc/v2/vnics/")) as Record<string, unknown>[];
    assert.equal(card!["macAddr"], "52:54:00:a1:b1:00");
  });

  const refused: [string, string, Record<string, string>, number][] = [
    ["a request without authorization", "/opc/v2/instance/", {}, 401],
    ["another bearer", "/opc/v2/instance/", { Authorization: "Bearer oracle" }, 401],
    ["version 1", "/opc/v1/instance/", authorized, 404],
    ["OpenStack's paths", "/openstack/latest/meta_data.json", {}, 404],
    ["what is not there", "/opc/v2/instance/none", authorized, 404],
    ...["Forwarded", "X-Forwarded-For", "X-Forwarded-Host"].map(
      (name): [string, string, Record<string, string>, number] => [
        ...([`a request with ${name}`, "/opc/v2/instance/"] as const),
        ...([{ ...authorized, [name]: "for=10.0.0.1" }, 403] as const),
      ],
    ),
  ];
  for (const [what, path, headers, status] of refused) {
    it(`refuses ${what}`, async () => assert.equal((await ask(path, headers)).status, status));
  }
});
