import assert from "node:assert/strict";
import { azureMetadata, azureWireserver } from "../../../clouds/azure/metadata-service.ts";
import { instance, served } from "../../helpers/instance.ts";

describe("Azure's metadata service", () => {
  const ask = served(() => azureMetadata(instance));
  const meant = { Metadata: "true" };
  const asText = "?format=text&api-version=2021-05-01";
  interface Document {
    compute: Record<string, unknown>;
    network: { interface: { macAddress: string }[] };
    extended?: unknown;
  }
  const asJson = async (query: string): Promise<Document> => {
    const { status, body } = await ask(`/metadata/instance?${query}`, meant);
    assert.equal(status, 200);
    return JSON.parse(body) as Document;
  };

  it("gives what Tiny Cloud asks for", async () => {
    const get = async (path: string): Promise<string> =>
      (await ask(`/metadata/instance/${path}${asText}`, meant)).body;
    assert.equal(await get("compute/name"), "test-0-bios");
    assert.equal(await get("compute/publicKeys"), "0/");
    assert.equal(await get("compute/publicKeys/0//keyData"), instance.sshPublicKey);
    assert.equal(Buffer.from(await get("compute/userData"), "base64").toString(), instance.userData);
  });

  it("gives what cloud-init asks for, user data only in versions that have it", async () => {
    const { compute, extended, network } = await asJson("api-version=2021-08-01&extended=true");
    assert.equal(compute["userData"], Buffer.from(instance.userData!).toString("base64"));
    assert.deepEqual(compute["osProfile"], {
      adminUsername: "alpine",
      computerName: "test-0-bios",
      disablePasswordAuthentication: "true",
    });
    assert.deepEqual(extended, { compute: { hasCustomData: false, ppsType: "None" } });
    assert.equal(network.interface[0]!.macAddress, "525400A1B100");
    const older = await asJson("api-version=2019-06-01");
    assert.equal(older.compute["userData"], undefined);
    assert.equal(older.extended, undefined);
  });

  const refused: [string, string, Record<string, string>, number][] = [
    ["a request that does not say it is meant", "/metadata/instance?api-version=2021-08-01", {}, 400],
    ["another word for it", "/metadata/instance?api-version=2021-08-01", { Metadata: "yes" }, 400],
    ["a request without a version", "/metadata/instance", meant, 400],
    ["an unknown version", "/metadata/instance?api-version=2017-07-01", meant, 400],
    [
      "whoever forwards",
      `/metadata/instance?api-version=2021-08-01`,
      { ...meant, "X-Forwarded-For": "1.1.1.1" },
      400,
    ],
    ["one value as JSON", "/metadata/instance/compute/name?api-version=2021-08-01", meant, 400],
    ["what is not there", `/metadata/instance/compute/none${asText}`, meant, 404],
    ["another path", `/latest/meta-data/${asText}`, meant, 404],
  ];
  for (const [what, path, headers, status] of refused) {
    it(`refuses ${what}`, async () => assert.equal((await ask(path, headers)).status, status));
  }

  it("names the newest versions to whoever asks for none", async () => {
    const { body } = await ask("/metadata/instance", meant);
    assert.deepEqual((JSON.parse(body) as Record<string, string[]>)["newest-versions"], [
      "2021-08-01",
      "2021-05-01",
      "2021-01-01",
    ]);
  });
});

describe("Azure's wire server", () => {
  const ask = served(() => azureWireserver(instance));
  const version = { "x-ms-version": "2012-11-30" };

  it("has a goal without certificates, and takes the report that an instance is up", async () => {
    const { status, body } = await ask("/machine/?comp=goalstate", version);
    assert.equal(status, 200);
    for (const part of ["Incarnation", "ContainerId", "InstanceId"])
      assert.ok(body.includes(`<${part}>`), part);
    assert.ok(!body.includes("Certificates"));
    assert.equal((await ask("/machine?comp=health", version, "POST")).status, 200);
    assert.equal((await ask("/?comp=versions")).status, 200);
  });

  it("wants to know the version that is spoken", async () => {
    assert.equal((await ask("/machine/?comp=goalstate")).status, 400);
    assert.equal((await ask("/other", version)).status, 404);
    assert.equal((await ask("/machine?comp=other", version)).status, 400);
  });
});
