import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { tags } from "../../../src/configuration/tags.ts";
import { metadataStep, metadataText } from "../../../src/steps/metadata.ts";
import { artifactResult, builtDocuments, diskResult, storedDocuments } from "../../helpers/results.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { someVariant } from "../../helpers/variant.ts";
import { rejectsWith } from "../../helpers/errors.ts";

/** The table in the original's README, in its order; those of steps that file storage does not have are left out. */
const originalTable = [
  "name",
  "project",
  "image_key",
  "version",
  "release",
  "arch",
  "firmware",
  "bootstrap",
  "cloud",
  "revision",
  "built",
  "uploaded",
  "description",
];

const variant = someVariant({
  version: "3.20",
  release: "3.20.0",
  imageKey: "3.20.0-x86_64-bios-tiny-nocloud",
  name: "nocloud_alpine-3.20.0-x86_64-bios-tiny-r2",
  revision: 2,
});
const known = {
  disk: diskResult({ documents: builtDocuments }),
  artifact: artifactResult({ documents: storedDocuments }),
  dates: {},
  now: "2026-11-23T08:36:56.386Z",
};
const text = (changed = variant): string => metadataText({ tags: tags(changed), mirror: "offline" }, known);

describe("an image's metadata", () => {
  it("has every key of the original's table that applies, with its value", () => {
    const metadata = parse(text()) as Record<string, unknown>;
    for (const key of originalTable) assert.ok(metadata[key] !== undefined, key);
    assert.deepEqual(
      originalTable.map((key) => metadata[key]),
      [
        "alpine-3.20.0-x86_64-bios-tiny-r2",
        "https://alpinelinux.org/cloud",
        "3.20.0-x86_64-bios-tiny-nocloud",
        "3.20",
        "3.20.0",
        "x86_64",
        "bios",
        "tiny",
        "nocloud",
        2,
        "2026-11-23T08:36:49.538",
        "2026-11-23T08:36:53.866",
        "Alpine Linux 3.23.6",
      ],
    );
  });

  it("has the original's keys first, as it sorts them, then this project's own", () => {
    const keys = text()
      .split("\n")
      .flatMap((line) => /^([a-z0-9_]+):/.exec(line)?.[1] ?? []);
    assert.deepEqual(keys, [
      "arch",
      "bootstrap",
      "cloud",
      "description",
      "end_of_life",
      "firmware",
      "image_key",
      "name",
      "project",
      "release",
      "revision",
      "version",
      "built",
      "uploaded",
      "artifacts",
      "metadata_updated",
      "file",
      "sha512",
      "sbom",
      "provenance",
      "kernel",
      "packages",
      "inputs_digest",
      "mirror",
      "mirror_snapshot",
      "disk_check",
      "boot_test",
    ]);
  });

  it("says which bytes it is of, what they were made from, and what is stored beside them", () => {
    const disk = diskResult();
    const metadata = parse(text()) as Record<string, unknown>;
    const { file, sha512, sbom, provenance, inputs_digest, mirror, mirror_snapshot } = metadata;
    assert.deepEqual(
      { file, sha512, sbom, provenance, inputs_digest, mirror, mirror_snapshot },
      {
        file: "nocloud_alpine-3.20.qcow2",
        sha512: disk.sha512,
        sbom: "nocloud_alpine-3.20.cdx.json",
        provenance: "nocloud_alpine-3.20.intoto.json",
        inputs_digest: disk.inputsDigest,
        mirror: "offline",
        mirror_snapshot: disk.mirrorSnapshot,
      },
    );
  });

  it("names nothing that an older version did not store", () => {
    const old = metadataText(
      { tags: tags(variant), mirror: "offline" },
      { ...known, disk: diskResult(), artifact: artifactResult() },
    );
    assert.doesNotMatch(old, /sbom|provenance/);
  });

  it("says where it is in its cloud, by the original's keys", () => {
    const cloud = {
      importRegion: "us-west-2",
      importId: "ami-1",
      published: "2026-11-23T09:00:00.000Z",
      artifacts: { "us-west-2": "ami-1", "eu-west-1": "ami-2" },
      isReleased: true,
    };
    const dates = { imported: "2026-11-23T08:50:00.000Z", released: "2026-11-23T09:01:00.000Z" };
    const input = { tags: tags(variant), mirror: "offline", cloud };
    const metadata = parse(metadataText(input, { ...known, dates })) as Record<string, unknown>;
    const { imported, import_id, import_region, published, released, artifacts } = metadata;
    assert.deepEqual(
      { imported, import_id, import_region, published, released, artifacts },
      {
        imported: "2026-11-23T08:50:00.000",
        import_id: "ami-1",
        import_region: "us-west-2",
        published: "2026-11-23T09:00:00.000",
        released: "2026-11-23T09:01:00.000",
        artifacts: { "us-west-2": "ami-1", "eu-west-1": "ami-2" },
      },
    );
  });

  it("gives versions back as the texts they are, to readers of YAML 1.1 and 1.2", () => {
    const changed = someVariant({
      version: "3.20",
      release: "3.20",
      description: "1:20",
      endOfLife: "2027-11-01",
    });
    const edge = someVariant({ version: "edge", release: "20261101", description: "yes" });
    for (const one of [changed, edge]) {
      for (const version of ["1.1", "1.2"] as const) {
        const metadata = parse(text(one), { version }) as Record<string, unknown>;
        assert.equal(metadata.version, one.version);
        assert.equal(metadata.release, one.release);
        assert.equal(metadata.description, one.description);
        assert.equal(metadata.end_of_life, one.endOfLife);
        assert.equal(metadata.built, "2026-11-23T08:36:49.538");
        assert.equal(metadata.revision, 0);
      }
    }
  });

  it("never breaks a long value", () => {
    const description = `Alpine ${"word ".repeat(60)}end`;
    assert.ok(text(someVariant({ description })).includes(`description: ${description}\n`));
  });
});

describe("the metadata step", () => {
  const input = () => {
    const folder = temporaryFolder();
    const artifact = artifactResult({ folder: `file://${folder}/images` });
    return {
      folder: join(folder, "images"),
      of: { tags: tags(variant), mirror: "offline", disk: diskResult(), artifact },
    };
  };

  it("writes the YAML beside the image, with its checksum", async () => {
    const { folder, of } = input();
    const result = await metadataStep.create(of);
    assert.equal(result.name, "nocloud_alpine-3.20.yaml");
    const content = readFileSync(join(folder, result.name));
    assert.equal(createHash("sha512").update(content).digest("hex"), result.sha512);
    assert.equal(
      readFileSync(join(folder, `${result.name}.sha512`), "utf8"),
      `${result.sha512}  ${result.name}\n`,
    );
  });

  it("calls the YAML like the image, however that is packed", async () => {
    const { of } = input();
    for (const extension of ["vhd", "raw", "raw.bz2", "raw.tar.gz"]) {
      const artifact = { ...of.artifact, name: `gcp_alpine-3.23.6-r0.${extension}` };
      assert.equal((await metadataStep.create({ ...of, artifact })).name, "gcp_alpine-3.23.6-r0.yaml");
    }
  });

  it("is updated in place and stays its owner's", async () => {
    const { folder, of } = input();
    const first = await metadataStep.create(of);
    const second = await metadataStep.update({ ...of, tags: { ...of.tags, description: "new" } }, first);
    assert.equal(second.token, first.token);
    const read = parse(readFileSync(join(folder, second.name), "utf8")) as { description: string };
    assert.equal(read.description, "new");
    await metadataStep.delete(of, first);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("deletes only its own", async () => {
    const { folder, of } = input();
    const old = await metadataStep.create(of);
    await metadataStep.create(of);
    await metadataStep.delete(of, old);
    assert.ok(readdirSync(folder).includes(old.name));
  });

  it("describes nothing that is not stored", async () => {
    const { of } = input();
    for (const missing of [{ disk: undefined }, { artifact: undefined }]) {
      await rejectsWith(metadataStep.create({ ...of, ...missing }), {
        code: "step-input-missing",
        where: undefined,
        text: /→ .*--target/,
      });
    }
  });
});
