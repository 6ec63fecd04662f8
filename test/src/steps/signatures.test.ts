import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as Artifact from "../../../src/steps/artifact.ts";
import type { ArtifactResult } from "../../../src/steps/artifact.ts";
import type { DiskImageResult } from "../../../src/steps/disk-image.ts";
import type * as Module from "../../../src/steps/signatures.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";
import { diskResult } from "../../helpers/results.ts";
import { someSigner } from "../../helpers/signer.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { rejectsWith } from "../../helpers/errors.ts";

describe("the signatures step", () => {
  let copy: ProjectCopy;
  let step: typeof Module.signaturesStep;
  let store: typeof Artifact.artifactStep;
  let folder: string;
  let disk: DiskImageResult;
  let artifact: ArtifactResult;
  const signer = someSigner();
  const names = ["image.qcow2", "image.cdx.json", "image.intoto.json"];

  const built = (name: string): { file: string; sha512: string } => {
    const file = join("work/images/test", name);
    mkdirSync(dirname(join(copy.root, file)), { recursive: true });
    writeFileSync(join(copy.root, file), `the ${name}`);
    return { file, sha512: createHash("sha512").update(`the ${name}`).digest("hex") };
  };

  before(async () => {
    copy = projectCopy();
    step = (await copy.load<typeof Module>("src/steps/signatures.ts")).signaturesStep;
    store = (await copy.load<typeof Artifact>("src/steps/artifact.ts")).artifactStep;
  });
  beforeEach(async () => {
    folder = join(temporaryFolder(), "v3.23");
    const [image, sbom, provenance] = names.map(built);
    disk = diskResult({ ...image!, documents: { sbom: sbom!, provenance: provenance! } });
    artifact = await store.create({ storageUrl: `file://${folder}`, disk });
  });
  const signatures = (): string[] => readdirSync(folder).filter((name) => name.endsWith(".asc"));

  it("signs the image and what describes it, each beside it, with its checksum", async () => {
    const result = await step.create({ disk, artifact, command: signer.command });
    assert.deepEqual(result.names.sort(), names.map((name) => `${name}.asc`).sort());
    assert.deepEqual(signatures().sort(), result.names);
    for (const name of names) {
      assert.ok(signer.isSigned(join(folder, name)), name);
      const sum = createHash("sha512")
        .update(readFileSync(join(folder, `${name}.asc`)))
        .digest("hex");
      assert.equal(readFileSync(join(folder, `${name}.asc.sha512`), "utf8"), `${sum}  ${name}.asc\n`);
    }
    assert.deepEqual(readdirSync(join(copy.root, "work/tmp")), [], "something was left over");
  });

  it("signs what storage has, where this machine has not built it", async () => {
    rmSync(join(copy.root, "work/images"), { recursive: true });
    await step.create({ disk, artifact, command: signer.command });
    assert.ok(signer.isSigned(join(folder, "image.qcow2")));
  });

  it("removes what it has stored, and nothing that somebody has signed since", async () => {
    const first = await step.create({ disk, artifact, command: signer.command });
    const second = await step.create({ disk, artifact, command: signer.command });
    await step.delete({ disk, artifact, command: signer.command }, first);
    assert.equal(signatures().length, 3);
    await step.delete({ disk, artifact, command: signer.command }, second);
    assert.deepEqual(signatures(), []);
    assert.ok(existsSync(join(folder, "image.qcow2")));
  });

  it("does not sign again for another command alone", async () => {
    const result = await step.create({ disk, artifact, command: signer.command });
    assert.deepEqual(await step.update({ disk, artifact, command: "other {file}" }, result), result);
  });

  for (const [title, ending, where, text] of [
    ["fails", 'console.error("no key");process.exit(3)', "image.cdx.json", / 3 .*: no key\n/],
    ["leaves nothing", 'writeFileSync(signature, "")', "image.cdx.json.asc", /no signature/],
  ] as const) {
    it(`says so when the program ${title}, and stores nothing`, async () => {
      const { command } = someSigner(`if (file.endsWith(".json")) { ${ending} }`);
      await rejectsWith(step.create({ disk, artifact, command }), { code: "signing-failed", where, text });
      assert.deepEqual(signatures(), []);
    });
  }

  it("says so when the program is not there, or nothing is stored", async () => {
    await rejectsWith(step.create({ disk, artifact, command: "no-such-signer {file}" }), {
      code: "tool-missing",
      where: "no-such-signer",
    });
    await rejectsWith(step.create({ disk, artifact: undefined, command: "x" }), {
      code: "step-input-missing",
      where: undefined,
    });
  });
});
