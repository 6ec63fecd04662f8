import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text as textOf } from "node:stream/consumers";
import { join } from "node:path";
import { awsMetadata } from "../../../../clouds/aws/metadata-service.ts";
import { clouds } from "../../../../clouds/registry.ts";
import { bootCloudOf } from "../../../../src/boot-test/boot-cloud.ts";
import { type MetadataServer, serveMetadata } from "../../../../src/boot-test/metadata/server.ts";
import { projectRoot } from "../../../helpers/project-copy.ts";
import { instance } from "../../../helpers/instance.ts";

describe("a host's metadata services", () => {
  let server: MetadataServer;
  before(async () => {
    server = await serveMetadata({
      "169.254.169.254": awsMetadata(instance),
      "168.63.129.16": () => ({ status: 200, body: "second" }),
    });
  });
  after(() => server.close());

  it("answer through the program that QEMU starts, in the bare way that Tiny Cloud asks", async () => {
    const forward = join(projectRoot, "src/builder/stdio-to-tcp.mjs");
    const child = spawn(process.execPath, [forward, String(server.ports.get("169.254.169.254"))]);
    child.stdin.end("PUT /latest/api/token HTTP/1.0\r\nX-aws-ec2-metadata-token-ttl-seconds: 5\r\n\r\n");
    const lines = (await textOf(child.stdout)).split("\r\n");
    assert.equal(lines[0], "HTTP/1.1 200 OK");
    // Whatever reads it takes the last line for the token.
    assert.match(lines.at(-1)!, /^[\w-]{40,}$/);
  });

  it("have a port each, and remember what they were asked", async () => {
    const url = `http://127.0.0.1:${server.ports.get("168.63.129.16")}/machine?comp=x`;
    const before = server.requests.length;
    assert.equal(await (await fetch(url, { method: "POST", body: "<Health/>" })).text(), "second");
    assert.deepEqual(server.requests.slice(before), [
      { method: "POST", url: "/machine?comp=x", status: 200 },
    ]);
  });

  it("are those of the image's cloud", () => {
    const addresses = (cloud: string): string[] =>
      Object.keys(bootCloudOf(clouds, cloud).metadata?.(instance).services ?? {});
    assert.deepEqual(addresses("azure"), ["169.254.169.254", "168.63.129.16"]);
    for (const cloud of ["aws", "gcp", "oci"]) assert.deepEqual(addresses(cloud), ["169.254.169.254"]);
    assert.deepEqual(addresses("nocloud"), []);
  });
});
