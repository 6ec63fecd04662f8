import assert from "node:assert/strict";
import { builderOf } from "../../../src/remote/builders.ts";
import { readSettings } from "../../helpers/configuration.ts";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBwzIDbaR9PDAGQGpqVYKyTZhTfvjBVQW1w0TCAQjgaP";
const { builders } = readSettings({
  builders: [
    { arch: "aarch64", host: "arm-1", hostKey },
    { arch: "aarch64", host: "arm-2", hostKey },
    { arch: "x86_64", host: "amd", hostKey },
  ],
});

describe("the builder of an image", () => {
  it("is one for its architecture, and none where there is none", () => {
    const image = { arch: "x86_64", imageKey: "3.23.6-x86_64-bios-tiny-nocloud" };
    assert.equal(builderOf(image, builders)?.host, "amd");
    assert.equal(builderOf(image, builders.slice(0, 2)), undefined);
    assert.equal(builderOf(image, []), undefined);
  });

  it("is the same each time, and not the same for all images", () => {
    const hostOf = (cloud: string): string =>
      builderOf({ arch: "aarch64", imageKey: `3.23.6-aarch64-uefi-tiny-${cloud}` }, builders)!.host;
    const clouds = ["aws", "azure", "gcp", "nocloud", "oci"];
    assert.deepEqual(clouds.map(hostOf), clouds.map(hostOf));
    assert.deepEqual([...new Set(clouds.map(hostOf))].sort(), ["arm-1", "arm-2"]);
  });
});
