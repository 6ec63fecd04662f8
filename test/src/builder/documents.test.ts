import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildSettings } from "../../../src/builder/build-settings.ts";
import { writeDocuments } from "../../../src/builder/documents.ts";
import { somePackages } from "../../helpers/packages.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { someVariant } from "../../helpers/variant.ts";

const settings: BuildSettings = {
  mirror: { name: "offline", url: "file:///mirror", keyFiles: [] },
  extraDiskMib: 0,
  overlays: [],
  slots: 1,
  isolation: "auto",
  accelerator: "auto",
  timeoutMinutes: 30,
  cacheGib: 10,
};

describe("what is written beside an image", () => {
  it("is its bill of materials and its provenance, which names both", () => {
    const folder = temporaryFolder();
    const variant = someVariant();
    const { name } = variant;
    const image = { name: `${name}.raw.tar.gz`, sha256: "a2".repeat(32), sha512: "a5".repeat(64) };
    const documents = writeDocuments(
      folder,
      image,
      { kernel: "6.18.56-0-virt", packages: somePackages },
      {
        variant,
        settings,
        inputsDigest: "cd".repeat(32),
        repositories: [],
        appliance: { arch: "x86_64", digest: "ab".repeat(32) },
      },
    );
    assert.deepEqual(readdirSync(folder).sort(), [`${name}.cdx.json`, `${name}.intoto.json`]);
    const digest = (algorithm: string, file: string): string =>
      createHash(algorithm).update(readFileSync(file)).digest("hex");
    for (const { file, sha512 } of Object.values(documents)) assert.equal(digest("sha512", file), sha512);
    assert.equal(documents.sbom.file, join(folder, `${name}.cdx.json`));
    const { subject } = JSON.parse(readFileSync(documents.provenance.file, "utf8")) as { subject: unknown };
    const { file, sha512 } = documents.sbom;
    assert.deepEqual(subject, [
      { name: image.name, digest: { sha256: image.sha256, sha512: image.sha512 } },
      { name: `${name}.cdx.json`, digest: { sha256: digest("sha256", file), sha512 } },
    ]);
  });
});
