import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { BuildSettings } from "../../../src/builder/build-settings.ts";
import { builderVersion, inputsDigest } from "../../../src/builder/inputs.ts";
import { type BuildRecord, provenanceText } from "../../../src/builder/provenance.ts";
import { projectRoot } from "../../../src/lib/workspace.ts";
import { runProgram } from "../../helpers/processes.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { someVariant } from "../../helpers/variant.ts";

// The rules of in-toto's Statement v1, its field types, and SLSA's Provenance v1.
const uri = z.string().regex(/^[a-z][a-z0-9+.-]*:[^\s]+$/);
const digestSet = z
  .strictObject({
    sha256: z.optional(z.string().regex(/^[0-9a-f]{64}$/)),
    sha512: z.optional(z.string().regex(/^[0-9a-f]{128}$/)),
    dirHash: z.optional(z.string().regex(/^[0-9a-f]{64}$/)),
  })
  .refine((digests) => Object.keys(digests).length > 0);
const resource = z
  .strictObject({ name: z.optional(z.string().min(1)), uri: z.optional(uri), digest: z.optional(digestSet) })
  .refine(({ uri, digest }) => uri !== undefined || digest !== undefined);
const unique = (subject: { name?: string | undefined }[]): boolean =>
  new Set(subject.map(({ name }) => name)).size === subject.length;
const statementSchema = z.strictObject({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z
    .array(resource.refine(({ digest }) => digest !== undefined))
    .min(1)
    .refine(unique),
  predicateType: z.literal("https://slsa.dev/provenance/v1"),
  predicate: z.strictObject({
    buildDefinition: z
      .strictObject({
        buildType: uri,
        externalParameters: z.record(z.string(), z.unknown()),
        internalParameters: z.record(z.string(), z.unknown()),
        resolvedDependencies: z.array(resource),
      })
      .refine(({ externalParameters, internalParameters }) =>
        Object.keys(internalParameters).every((name) => !(name in externalParameters)),
      ),
    runDetails: z.strictObject({ builder: z.strictObject({ id: uri }) }),
  }),
});

const settings: BuildSettings = {
  mirror: { name: "offline", url: "http://127.0.0.1:4711", keyFiles: ["one.pub"] },
  extraDiskMib: 96,
  overlays: [],
  slots: 1,
  accelerator: "auto",
  timeoutMinutes: 30,
  cacheGib: 10,
};
const variant = someVariant();
const record: BuildRecord = {
  variant,
  settings,
  inputsDigest: inputsDigest(variant, settings),
  appliance: { arch: "x86_64", digest: "ab".repeat(32) },
  repositories: ["main", "community"].map((name) => ({
    declaredUrl: `https://dl-cdn.alpinelinux.org/alpine/v3.23/${name}`,
    arch: "x86_64",
    digest: "1d".repeat(32),
  })),
  products: [
    { name: `${variant.name}.qcow2`, sha256: "a2".repeat(32), sha512: "a5".repeat(64) },
    { name: `${variant.name}.cdx.json`, sha256: "b2".repeat(32), sha512: "b5".repeat(64) },
  ],
};
const statementOf = (changes: Partial<BuildRecord> = {}): z.output<typeof statementSchema> =>
  statementSchema.parse(JSON.parse(provenanceText({ ...record, ...changes })));
const definition = (changes: Partial<BuildRecord> = {}) => statementOf(changes).predicate.buildDefinition;
const named = (name: string, changes: Partial<BuildRecord> = {}) =>
  definition(changes).resolvedDependencies.filter((one) => one.name === name);

describe("an image's provenance", () => {
  it("is a statement on the image and its bill of materials", () => {
    assert.deepEqual(
      statementOf().subject,
      record.products.map(({ name, ...digest }) => ({ name, digest })),
    );
  });

  it("is the same text wherever and whenever it was built", () => {
    const elsewhere = {
      ...settings,
      mirror: { ...settings.mirror, url: "file:///mirror", keyFiles: ["two.pub"] },
      slots: 4,
      accelerator: "tcg" as const,
      timeoutMinutes: 5,
    };
    const other = structuredClone({ ...record, settings: elsewhere });
    assert.equal(provenanceText(other), provenanceText(record));
    assert.doesNotMatch(provenanceText(record), /4711|\d\d:\d\d/);
  });

  it("has what decides the image's bytes as parameters, and nothing of where it is published", () => {
    const { externalParameters, internalParameters } = definition();
    assert.equal(externalParameters["imageKey"], variant.imageKey);
    assert.equal(externalParameters["revision"], 0);
    assert.deepEqual(externalParameters["packages"], variant.packages);
    assert.equal(externalParameters["imageCompress"], null);
    for (const field of ["storageUrl", "regions", "access", "description"]) {
      assert.ok(!(field in externalParameters), field);
    }
    assert.deepEqual(internalParameters, {
      builderVersion,
      extraDiskMib: 96,
      inputsDigest: record.inputsDigest,
      mirror: "offline",
    });
  });

  it("has the repositories' indexes and the appliance among what it was made of", () => {
    const { resolvedDependencies } = definition();
    assert.deepEqual(resolvedDependencies.slice(0, 3), [
      {
        uri: "https://dl-cdn.alpinelinux.org/alpine/v3.23/main/x86_64/APKINDEX.tar.gz",
        digest: { sha256: "1d".repeat(32) },
      },
      {
        uri: "https://dl-cdn.alpinelinux.org/alpine/v3.23/community/x86_64/APKINDEX.tar.gz",
        digest: { sha256: "1d".repeat(32) },
      },
      { name: "appliance x86_64", digest: { sha256: record.appliance.digest } },
    ]);
  });

  it("has the guest's scripts, by a digest that a shell can find out", async () => {
    const { stdout } = await runProgram(
      "sh",
      ["-c", "find . -type f | cut -c3- | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -f1 -d' '"],
      { cwd: join(projectRoot, "src/builder/guest") },
    );
    assert.deepEqual(named("src/builder/guest"), [
      { name: "src/builder/guest", digest: { dirHash: stdout.trim() } },
    ]);
  });

  it("has the keys that the configuration adds, and overlays' files", () => {
    const overlay = temporaryFolder();
    mkdirSync(join(overlay, "scripts"));
    writeFileSync(join(overlay, "scripts/setup"), "true\n");
    const key = join(temporaryFolder(), "one.rsa.pub");
    writeFileSync(key, "key\n");
    const changes = {
      settings: { ...settings, overlays: [overlay] },
      variant: someVariant({ repoKeys: [key] }),
    };
    const digest = { sha256: createHash("sha256").update("true\n").digest("hex") };
    assert.deepEqual(named("scripts/setup", changes), [{ name: "scripts/setup", digest }]);
    assert.equal(named(key, changes).length, 1);
    assert.deepEqual(named("scripts/setup"), []);
  });
});
