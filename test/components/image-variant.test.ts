import { clouds } from "../../clouds/registry.ts";
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../src/configuration/settings.ts";
import {
  type DeclaredImage,
  isAtLeast,
  reachedStage,
  type Stage,
  stages,
} from "../../src/configuration/variant.ts";
import type { Variant } from "../../src/configuration/variant.ts";
import { defined } from "../../src/lib/defined.ts";
import type { ArtifactInput } from "../../src/steps/artifact.ts";
import type { DiskImageInput } from "../../src/steps/disk-image.ts";
import type { SignaturesInput } from "../../src/steps/signatures.ts";
import type { MetadataInput } from "../../src/steps/metadata.ts";
import { type MockTypes, type Registered, type Run, runWithMocks, unknown } from "../helpers/pulumi-mocks.ts";
import { artifactResult, diskResult } from "../helpers/results.ts";
import { someVariant } from "../helpers/variant.ts";
import { readSettings } from "../helpers/configuration.ts";

const command = "command:local:Command";
const component = (): Record<string, unknown> => ({});
const stdouts: Record<string, string> = {
  "disk-image": `${JSON.stringify(diskResult())}\n`,
  artifact: `${JSON.stringify(artifactResult())}\n`,
  metadata: `${JSON.stringify({ token: "t" })}\n`,
};

/** Every type that an image may consist of, commands with the outputs that they would have. */
const types = (stdoutOf: (step: string) => string | undefined = (step) => stdouts[step]): MockTypes => ({
  "alpine:index:ImageVariant": component,
  "alpine:index:DiskImage": component,
  "alpine:index:Artifact": component,
  "alpine:index:Metadata": component,
  "alpine:index:Signatures": component,
  [command]: (inputs) => {
    const stdout = stdoutOf((inputs.environment as { ALPINE_STEP: string }).ALPINE_STEP);
    return { ...inputs, ...defined({ stdout }) };
  },
});

const digest = "cd".repeat(32);
const build: DiskImageInput["build"] = {
  mirror: { name: "offline", url: "file://mirror", keyFiles: ["k.pub"] },
  extraDiskMib: 96,
  overlays: [],
  slots: 1,
  isolation: "auto",
  accelerator: "auto",
  timeoutMinutes: 30,
  cacheGib: 20,
};

interface Case {
  stage?: Stage;
  settings?: Partial<StackSettings>;
  variant?: Partial<Variant>;
  mocks?: MockTypes;
  preview?: boolean;
}

/** Runs one image, `img`, as the program would. */
function run({
  stage = "upload",
  settings = {},
  variant = {},
  mocks = types(),
  preview = false,
}: Case = {}): Promise<Run> {
  return runWithMocks(mocks, preview, async () => {
    // After the mocks are set, as Pulumi asks for.
    const { ImageVariant } = await import("../../components/image-variant.ts");
    const { imageArgs, requireNoProblems } = await import("../../components/stack-images.ts");
    const image: DeclaredImage = {
      key: "img",
      variant: someVariant(variant),
      state: { stage, added: "2026-10-01", withdraw: false, removing: false, place: "ledger:1:1" },
      regions: [],
    };
    const stack = { ...readSettings({ stage: "release" }), ...settings };
    requireNoProblems([image], stack, clouds);
    const { outputs } = new ImageVariant("img", imageArgs(image, stack, digest, build, undefined));
    return { outputs: pulumi.output(outputs) };
  });
}

const find = ({ resources }: Run, name: string): Registered => {
  const found = resources.find((resource) => resource.type === command && resource.name === name);
  assert.ok(found, `${name} is not there`);
  return found;
};
const inputOf = <T>(resource: Registered): T =>
  JSON.parse((resource.inputs.environment as { ALPINE_STEP_INPUT: string }).ALPINE_STEP_INPUT) as T;
const list = ({ resources }: Run): string[] =>
  resources.map(({ type, name, parent }) => `${type} ${name} < ${parent ?? ""}`).sort();

const local = [
  "alpine:index:DiskImage img < alpine:index:ImageVariant img",
  "alpine:index:ImageVariant img < ",
  "command:local:Command img-disk < alpine:index:DiskImage img",
];
const uploaded = [
  ...local,
  "alpine:index:Artifact img < alpine:index:ImageVariant img",
  "alpine:index:Metadata img < alpine:index:ImageVariant img",
  "command:local:Command img-artifact < alpine:index:Artifact img",
  "command:local:Command img-metadata < alpine:index:Metadata img",
].sort();

/** Ignored even where all else is followed: those of a state that an older version made go on as they are. */
const commandLines = ["create", "update", "delete", "environment.ALPINE_STEP"];

describe("an image's resources", function () {
  this.timeout(20_000);

  for (const preview of [true, false]) {
    const when = preview ? "at preview" : "at up";

    it(`are a disk alone at stage local (${when})`, async () => {
      assert.deepEqual(list(await run({ stage: "local", preview })), local);
    });

    it(`are disk, artifact and metadata from stage upload on (${when})`, async () => {
      assert.deepEqual(list(await run({ stage: "upload", preview })), uploaded);
      assert.deepEqual(list(await run({ stage: "release", preview })), uploaded);
    });

    it(`stop at the stack's ceiling (${when})`, async () => {
      assert.deepEqual(list(await run({ stage: "release", settings: { stage: "local" }, preview })), local);
      assert.deepEqual(
        list(await run({ stage: "release", settings: { stage: "upload" }, preview })),
        uploaded,
      );
    });

    it(`tolerate results that are missing or no JSON, as under --target (${when})`, async () => {
      for (const stdout of [undefined, "", "not json", "{"]) {
        const result = await run({ mocks: types(() => stdout), preview });
        assert.deepEqual(list(result), uploaded);
        if (preview && stdout === undefined) {
          assert.equal(result.outputs.outputs, unknown);
          continue;
        }
        const known: unknown = JSON.parse(JSON.stringify(result.outputs.outputs));
        assert.deepEqual(known, { stage: "upload" });
        assert.equal(inputOf<ArtifactInput>(find(result, "img-artifact")).disk, undefined);
      }
    });
  }

  it("are signed from stage sign on, before anything is published, unless the stack leaves that out", async () => {
    const variant = { signingCommand: "sign {file}" };
    const signed = [
      ...uploaded,
      "alpine:index:Signatures img < alpine:index:ImageVariant img",
      "command:local:Command img-signatures < alpine:index:Signatures img",
    ].sort();
    assert.deepEqual(list(await run({ stage: "sign", variant })), signed);
    assert.deepEqual(list(await run({ stage: "import", variant })), uploaded);
    assert.deepEqual(list(await run({ stage: "sign", variant, settings: { disable: ["sign"] } })), uploaded);
    const { command } = inputOf<SignaturesInput>(
      find(await run({ stage: "sign", variant }), "img-signatures"),
    );
    assert.equal(command, "sign {file}");
  });

  it("are commands of one entry point, with nothing variable in their texts", async () => {
    const result = await run();
    for (const [name, step] of [
      ["img-disk", "disk-image"],
      ["img-artifact", "artifact"],
      ["img-metadata", "metadata"],
    ] as const) {
      const { inputs } = find(result, name);
      const { environment, triggers, ...rest } = inputs;
      assert.deepEqual(rest, {
        create: "exec node scripts/step.ts create",
        update: "exec node scripts/step.ts update",
        delete: "exec node scripts/step.ts delete",
        logging: "stderr",
      });
      assert.deepEqual(Object.keys(environment as object).sort(), ["ALPINE_STEP", "ALPINE_STEP_INPUT"]);
      assert.equal((environment as { ALPINE_STEP: string }).ALPINE_STEP, step);
      assert.ok(Array.isArray(triggers));
    }
  });

  it("get what they work on, each from the one before", async () => {
    const result = await run({ variant: { storageUrl: "file:///srv/images" } });
    const disk = find(result, "img-disk");
    assert.deepEqual(inputOf<DiskImageInput>(disk), {
      variant: someVariant({ storageUrl: "file:///srv/images" }),
      inputsDigest: digest,
      build,
    });
    assert.deepEqual(disk.inputs.triggers, [digest]);

    const artifact = find(result, "img-artifact");
    assert.deepEqual(inputOf<ArtifactInput>(artifact), {
      storageUrl: "file:///srv/images",
      disk: diskResult(),
    });
    assert.deepEqual(artifact.inputs.triggers, ["disk-token", "file:///srv/images"]);

    const metadata = find(result, "img-metadata");
    const { tags, ...rest } = inputOf<MetadataInput>(metadata);
    assert.deepEqual(rest, { mirror: "official", disk: diskResult(), artifact: artifactResult() });
    assert.equal(tags.image_key, "3.23.6-x86_64-bios-tiny-nocloud");
    assert.deepEqual(metadata.inputs.triggers, ["file:///nowhere"]);
  });

  it("are deleted before they are replaced, for old and new have one name", async () => {
    for (const rebuild of ["never", "changed"] as const) {
      const result = await run({ settings: { rebuild } });
      for (const name of ["img-disk", "img-artifact", "img-metadata"]) {
        assert.equal(find(result, name).deleteBeforeReplace, true, `${name}, rebuild: ${rebuild}`);
      }
    }
  });

  it("stay as they were built where a stack never rebuilds; metadata follows", async () => {
    const result = await run({ settings: { rebuild: "never" } });
    const ignored = ["img-disk", "img-artifact", "img-metadata"].map(
      (name) => find(result, name).ignoreChanges,
    );
    assert.deepEqual(ignored, [["*"], ["*"], commandLines]);
  });

  it("follow their inputs where a stack rebuilds what changed", async () => {
    const result = await run({ settings: { rebuild: "changed" } });
    for (const name of ["img-disk", "img-artifact", "img-metadata"]) {
      assert.deepEqual(find(result, name).ignoreChanges, commandLines, name);
    }
  });

  it("are not updated when lines move in a layer, and have them where an input never changes", async () => {
    const origins = (place: string) => ({
      packages: { doas: place },
      services: {},
      kernelModules: {},
      initfsFeatures: {},
    });
    const variant = { origins: origins("configs/defaults.yaml:12:3") };
    const placesIn = async (rebuild: "never" | "changed") =>
      inputOf<DiskImageInput>(find(await run({ variant, settings: { rebuild } }), "img-disk")).variant
        .origins;
    assert.equal(await placesIn("changed"), undefined);
    assert.deepEqual(await placesIn("never"), origins("configs/defaults.yaml:12:3"));
  });

  it("give a build the time it needs", async () => {
    const { customTimeouts } = find(await run(), "img-disk");
    assert.equal(customTimeouts?.create, "12h");
    assert.equal(customTimeouts?.update, "12h");
  });

  it("are not protected below publish", async () => {
    for (const { name, protect } of (await run()).resources) assert.equal(protect, false, name);
  });

  it("tell what the image is and where", async () => {
    const { sha512, bytes, diskCheck, bootTest } = diskResult();
    assert.deepEqual((await run()).outputs.outputs, {
      stage: "upload",
      image: "file:///nowhere/nocloud_alpine-3.20.qcow2",
      sha512,
      bytes,
      diskCheck,
      bootTest,
    });
    assert.deepEqual((await run({ stage: "local" })).outputs.outputs, {
      stage: "local",
      image: "work/images/x/image.qcow2",
      sha512,
      bytes,
      diskCheck,
      bootTest,
    });
  });
});

describe("an image that was built from other inputs", function () {
  this.timeout(20_000);
  /** Mocks of a disk whose recorded trigger is this, as a frozen command keeps it. */
  const recorded = (trigger: unknown): MockTypes => {
    const all = types();
    const original = all[command]!;
    const keep = (inputs: Record<string, unknown>, name: string) => ({
      ...original(inputs, name),
      ...(name === "img-disk" ? { triggers: trigger } : {}),
    });
    return { ...all, [command]: keep };
  };

  it("is warned of at preview and up, with what to do", async () => {
    for (const preview of [true, false]) {
      const { warnings } = await run({ mocks: recorded(["00".repeat(32)]), preview });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, /img was built from other inputs than today's; revise the release/);
    }
  });

  it("is not warned of when there is nothing to say", async () => {
    for (const trigger of [[digest], undefined, []]) {
      assert.deepEqual((await run({ mocks: recorded(trigger) })).warnings, []);
    }
    const changed = await run({ mocks: recorded(["00".repeat(32)]), settings: { rebuild: "changed" } });
    assert.deepEqual(changed.warnings, [], "it will be rebuilt");
  });
});

describe("an image with builders", function () {
  this.timeout(20_000);
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBwzIDbaR9PDAGQGpqVYKyTZhTfvjBVQW1w0TCAQjgaP";
  const { builders } = readSettings({ builders: [{ arch: "aarch64", host: "arm", hostKey }] });

  it("is built by one for its architecture, from the same inputs", async () => {
    const there = find(await run({ settings: { builders }, variant: { arch: "aarch64" } }), "img-disk");
    assert.deepEqual(inputOf<DiskImageInput>(there).builder, builders[0]);
    const here = find(await run({ settings: { builders } }), "img-disk");
    assert.equal(inputOf<DiskImageInput>(here).builder, undefined);
    // Where it is built is no reason to build it anew.
    for (const { inputs } of [there, here]) assert.deepEqual(inputs.triggers, [digest]);
    for (const command of [there, here]) assert.equal(inputOf<DiskImageInput>(command).inputsDigest, digest);
  });
});

describe("an image that cannot be brought so far", function () {
  this.timeout(20_000);
  const refusal = (settings: Case): Promise<Error> =>
    run(settings).then(
      () => assert.fail("it was accepted"),
      (error: unknown) => error as Error,
    );

  it("is refused before anything is built", async () => {
    const offline = { mirror: { ...readSettings({}).mirror, name: "offline" as const } };
    const ssh = { variant: { storageUrl: "ssh://images@example.org/srv" } };
    assert.match(
      (await refusal({ ...ssh, settings: offline })).message,
      /offline kit may only be stored in folders.*storageUrl/s,
    );
    assert.match((await refusal(ssh)).message, /only folders \(file:\/\/\) are supported/);
    assert.deepEqual(
      list(await run({ ...ssh, stage: "local", settings: offline })),
      local,
      "what is not stored is no matter",
    );
  });

  it("is refused by name where its cloud's import is not there yet", async () => {
    const aws = { cloud: "aws", storageUrl: "file:///srv" };
    assert.match(
      (await refusal({ stage: "import", variant: aws })).message,
      /img cannot be brought to import.*aws/,
    );
    assert.deepEqual(list(await run({ stage: "upload", variant: aws })), uploaded);
  });
});

describe("stages", () => {
  it("are reached to the lower of entry and ceiling", () => {
    for (const [index, entry] of stages.entries()) {
      for (const [limit, ceiling] of stages.entries()) {
        assert.equal(reachedStage(entry, ceiling), stages[Math.min(index, limit)]);
        assert.equal(isAtLeast(entry, ceiling), index >= limit);
      }
    }
  });
});
