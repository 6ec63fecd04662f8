import assert from "node:assert/strict";
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import { builderVersion } from "../../../src/builder/inputs.ts";
import { type BilledImage, sbomText } from "../../../src/builder/sbom.ts";
import { somePackages } from "../../helpers/packages.ts";
import { someVariant } from "../../helpers/variant.ts";

const image: BilledImage = {
  variant: someVariant({ revision: 2 }),
  sha256: "a2".repeat(32),
  sha512: "a5".repeat(64),
  inputsDigest: "cd".repeat(32),
  mirror: "offline",
  kernel: "6.18.56-0-virt",
  packages: somePackages,
};

interface Bill {
  serialNumber: string;
  metadata: { timestamp: string; component: Record<string, unknown>; tools: unknown };
  components: ({ type: string; name: string } & Record<string, unknown>)[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}
const billOf = (changes: Partial<BilledImage> = {}): Bill =>
  JSON.parse(sbomText({ ...image, ...changes })) as Bill;
const component = (name: string): Record<string, unknown> => {
  const found = billOf().components.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
};

describe("an image's bill of materials", function () {
  this.timeout(10_000);

  it("is valid CycloneDX 1.6, and the validator can tell", async () => {
    const validator = new JsonStrictValidator(Version.v1dot6);
    const text = sbomText(image);
    assert.equal(await validator.validate(text), null);
    for (const wrong of [
      text.replace('"type": "container"', '"type": "disk"'),
      text.replace('"SHA-512"', '"sha512"'),
      text.replace('"specVersion"', '"unknown": 1, "specVersion"'),
    ]) {
      assert.notEqual(wrong, text);
      assert.notEqual(await validator.validate(wrong), null);
    }
  });

  it("is the same text for the same image, in whatever order its packages were reported", () => {
    const turned = { ...image, packages: somePackages.toReversed() };
    assert.equal(sbomText(turned), sbomText(structuredClone(image)));
  });

  it("has a serial number that no other image has", () => {
    const { serialNumber } = billOf();
    assert.match(serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(billOf({ sha512: "b5".repeat(64) }).serialNumber, serialNumber);
  });

  it("says which image it is of, and what made it", () => {
    const { timestamp, component, tools } = billOf().metadata;
    assert.equal(timestamp, "2026-10-01T00:00:00.000Z");
    assert.deepEqual(tools, {
      components: [{ type: "application", name: "alpine-cloud-images", version: String(builderVersion) }],
    });
    assert.deepEqual(component, {
      type: "container",
      name: image.variant.name,
      version: "3.23.6-r2",
      "bom-ref": "image",
      hashes: [
        { alg: "SHA-256", content: image.sha256 },
        { alg: "SHA-512", content: image.sha512 },
      ],
      properties: [
        { name: "alpine-cloud-images:image_key", value: "3.23.6-x86_64-bios-tiny-nocloud" },
        { name: "alpine-cloud-images:inputs_digest", value: image.inputsDigest },
        { name: "alpine-cloud-images:kernel", value: "6.18.56-0-virt" },
        { name: "alpine-cloud-images:mirror", value: "offline" },
      ],
    });
  });

  it("lists the system and every package, by name", () => {
    const names = billOf().components.map(({ type, name }) => `${type} ${name}`);
    assert.deepEqual(names, [
      "operating-system alpine",
      ...somePackages.map(({ name }) => `library ${name}`).sort(),
    ]);
    assert.equal(component("alpine")["version"], "3.23.6");
    assert.deepEqual(component("openrc"), {
      type: "library",
      name: "openrc",
      version: "0.63-r1",
      description: "OpenRC manages the services",
      "bom-ref": "pkg:apk/alpine/openrc@0.63-r1?arch=x86_64&distro=alpine-3.23.6",
      purl: "pkg:apk/alpine/openrc@0.63-r1?arch=x86_64&distro=alpine-3.23.6",
      licenses: [{ license: { id: "BSD-2-Clause", acknowledgement: "declared" } }],
      externalReferences: [{ type: "website", url: "https://github.com/OpenRC/openrc" }],
    });
  });

  it("names a package by its purl, and the source that it is of where that is called otherwise", () => {
    const purls = {
      "libstdc++": "libstdc%2B%2B@15.2.0-r2?arch=x86_64&distro=alpine-3.23.6&upstream=gcc",
      musl: "musl@1.2.5-r23?arch=x86_64&distro=alpine-3.23.6",
      tzdata: "tzdata@2026f-r0?arch=noarch&distro=alpine-3.23.6",
      ".build-deps": ".build-deps@20261101.120000?distro=alpine-3.23.6",
    };
    for (const [name, purl] of Object.entries(purls)) {
      assert.equal(component(name)["purl"], `pkg:apk/alpine/${purl}`);
    }
  });

  it("gives licences by id or expression, by Alpine's words where SPDX knows none, and none where there is none", () => {
    const licenses = {
      musl: [{ license: { id: "MIT", acknowledgement: "declared" } }],
      "cryptsetup-libs": [
        {
          expression: "GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception",
          acknowledgement: "declared",
        },
      ],
      "libstdc++": [{ license: { name: "ISC AND custom", acknowledgement: "declared" } }],
      tzdata: [{ license: { name: "Public-Domain", acknowledgement: "declared" } }],
      ".build-deps": undefined,
    };
    for (const [name, expected] of Object.entries(licenses)) {
      assert.deepEqual(component(name)["licenses"], expected, name);
    }
  });

  it("tells what depends on what, through what packages provide", () => {
    const { dependencies } = billOf();
    const purl = (name: string): string => component(name)["purl"] as string;
    const of = (ref: string): string[] | undefined => dependencies.find((one) => one.ref === ref)?.dependsOn;
    assert.deepEqual(of("image"), ["operating-system"]);
    const names = somePackages.map(({ name }) => name).sort();
    assert.deepEqual(of("operating-system"), names.map(purl));
    assert.deepEqual(of(purl("openrc")), ["busybox-binsh", "musl"].map(purl));
    assert.deepEqual(of(purl("busybox-binsh")), [purl("busybox")]);
    assert.equal(of(purl("musl")), undefined);
  });
});
