import assert from "node:assert/strict";
import type { AwsOptions, AwsSettings } from "../../../clouds/aws/options.ts";
import { awsProgress } from "../../../clouds/aws/progress.ts";
import { clouds } from "../../../clouds/registry.ts";
import { expectedResources } from "../../../src/status/progress.ts";
import { releaseLines } from "../../../src/configuration/release-lines.ts";
import type { DeclaredImage, ImageState, Stage, Variant } from "../../../src/configuration/variant.ts";
import * as pulumi from "@pulumi/pulumi";
import { type MockTypes, type Registered, type Run, runWithMocks } from "../../helpers/pulumi-mocks.ts";
import { artifactResult, diskResult } from "../../helpers/results.ts";
import { someVariant } from "../../helpers/variant.ts";
import { readSettings } from "../../helpers/configuration.ts";

const same = (inputs: Record<string, unknown>): Record<string, unknown> => inputs;
const stdouts: Record<string, object> = {
  "disk-image": diskResult(),
  artifact: artifactResult(),
  metadata: { token: "t" },
  "aws-upload": { key: "image-1.vhd" },
  "aws-write-snapshot": { snapshotId: "snap-direct" },
  "aws-tag-snapshots": { tagKeys: [], published: "2026-11-23T09:00:00.000Z" },
  "aws-read-back-channel": { regions: 2 },
};
const types: MockTypes = {
  ...Object.fromEntries(
    ["ImageVariant", "DiskImage", "Artifact", "Signatures", "Metadata"].map((name) => [
      `alpine:index:${name}`,
      () => ({}),
    ]),
  ),
  ...Object.fromEntries(
    ["Image", "PublicAccess", "Channel"].map((name) => [`alpine:aws:${name}`, () => ({})]),
  ),
  "command:local:Command": (inputs) => {
    const { ALPINE_STEP } = inputs.environment as { ALPINE_STEP: string };
    return { ...inputs, stdout: JSON.stringify(stdouts[ALPINE_STEP]) };
  },
  "pulumi:providers:aws": same,
  "aws:ebs/snapshotImport:SnapshotImport": same,
  "aws:ec2/ami:Ami": same,
  "aws:ec2/amiCopy:AmiCopy": (inputs) => ({ ...inputs, rootSnapshotId: `snap-${String(inputs.region)}` }),
  "aws:ec2/amiLaunchPermission:AmiLaunchPermission": same,
  "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": same,
  "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": same,
  "aws:ssm/parameter:Parameter": same,
};

const aws: AwsOptions = {
  enaSupport: true,
  imdsSupport: "v2.0",
  tpmSupport: false,
  volumeType: "gp3",
  shareSnapshots: false,
};

interface Case {
  stage?: Stage;
  state?: Partial<ImageState>;
  variant?: Partial<Variant> & { aws?: AwsOptions };
  regions?: DeclaredImage["regions"];
  settings?: Record<string, unknown>;
  awsSettings?: Partial<AwsSettings>;
  mocks?: MockTypes;
}

const required = (...names: string[]) => names.map((name) => ({ name, bestEffort: false }));

/** One image of AWS, `img`. */
const someImage = ({ stage = "release", state, variant, regions }: Case = {}): DeclaredImage => ({
  key: "img",
  variant: someVariant({
    cloud: "aws",
    imageFormat: "vhd",
    storageUrl: "file:///srv",
    firmware: "uefi",
    aws,
    name: "aws_alpine-3.23.6-x86_64-uefi-tiny-r0",
    configKey: "3.23-x86_64-uefi-tiny-aws",
    dimensions: { version: "3.23", arch: "x86_64", firmware: "uefi", bootstrap: "tiny", cloud: "aws" },
    ...variant,
  }),
  state: { stage, added: "2026-11-01", withdraw: false, removing: false, place: "ledger:1:1", ...state },
  regions: regions ?? required("eu-west-1", "us-west-2"),
});

/** Runs it, with its channel, as the program does. */
function run(one: Case = {}): Promise<Run> {
  return runWithMocks(one.mocks ?? types, false, async () => {
    const { awsComponents } = await import("../../../clouds/aws/components.ts");
    const { ImageVariant } = await import("../../../components/image-variant.ts");
    const { declareChannels, imageArgs, requireNoProblems } =
      await import("../../../components/stack-images.ts");
    const image = someImage(one);
    const stack = readSettings({
      stage: "release",
      protectPublished: true,
      ...one.settings,
      aws: { region: "us-west-2", bucket: "images", ...one.awsSettings },
    });
    requireNoProblems([image], stack, clouds);
    const preflight = hook();
    const settings = stack.clouds["aws"];
    const shared = awsComponents.declareShared({
      images: [image],
      ceiling: stack.stage,
      settings,
      preflight,
    });
    const { providers, publicAccess } = shared!;
    const used = { components: awsComponents, settings, providers, publicAccess, preflight };
    const build = {
      mirror: { name: "official" as const, url: "file:///", keyFiles: [] },
      extraDiskMib: 0,
      overlays: [],
      slots: 1,
      isolation: "auto" as const,
      accelerator: "tcg" as const,
      timeoutMinutes: 1,
      cacheGib: 1,
    };
    const args = imageArgs(image, stack, "cd".repeat(32), build, used);
    const made = new ImageVariant("img", args, { providers });
    declareChannels([image], new Map([["img", made]]), stack, new Map([["aws", used]]));
    return { outputs: pulumi.output(made.outputs) };
  });
}

/** Mocks have no callbacks, by which an engine would be told of it. */
const hook = (): pulumi.ResourceHook =>
  Object.assign(Object.create(pulumi.ResourceHook.prototype) as pulumi.ResourceHook, {
    __pulumiResourceHook: true,
    __registered: Promise.resolve(),
    name: "preflight",
    callback: () => undefined,
  });

const named = ({ resources }: Run, type: RegExp): string[] =>
  resources.filter((one) => type.test(one.type)).map(({ name }) => name);
const find = ({ resources }: Run, type: RegExp, name = "img"): Registered => {
  const found = resources.find((one) => type.test(one.type) && one.name === name);
  assert.ok(found, `${type} ${name} is not there`);
  return found;
};
const inputOf = (resource: Registered): Record<string, unknown> =>
  JSON.parse((resource.inputs.environment as { ALPINE_STEP_INPUT: string }).ALPINE_STEP_INPUT) as Record<
    string,
    unknown
  >;

describe("an image on AWS", function () {
  this.timeout(20_000);

  it("is imported in the home region alone, private, below stage publish", async () => {
    const result = await run({ stage: "import" });
    assert.deepEqual(named(result, /^aws:/), ["img", "img"]);
    const { inputs } = find(result, /:Ami$/);
    const { ebsBlockDevices, tags, ...rest } = inputs;
    assert.deepEqual(rest, {
      name: "alpine-3.23.6-x86_64-uefi-tiny-r0",
      description: "Alpine Linux 3.23.6",
      region: "us-west-2",
      architecture: "x86_64",
      bootMode: "uefi",
      virtualizationType: "hvm",
      enaSupport: true,
      sriovNetSupport: "simple",
      imdsSupport: "v2.0",
      rootDeviceName: "/dev/xvda",
      deprecationTime: "2027-11-01T23:59:00Z",
    });
    assert.deepEqual(ebsBlockDevices, [
      { deviceName: "/dev/xvda", snapshotId: "img-id", volumeType: "gp3", deleteOnTermination: true },
    ]);
    assert.equal((tags as Record<string, string>).Name, "alpine-3.23.6-x86_64-uefi-tiny-r0");
    assert.equal((tags as Record<string, string>).revision, "0");
    assert.deepEqual(find(result, /SnapshotImport$/).inputs.tags, {
      ...(tags as Record<string, string>),
      "alpine:owner": "alpine/test/img",
    });
    const { userBucket } = find(result, /SnapshotImport$/).inputs.diskContainer as { userBucket: object };
    assert.deepEqual(userBucket, { s3Bucket: "images", s3Key: "image-1.vhd" });
    assert.equal(
      result.resources.some(({ protect }) => protect),
      false,
    );
  });

  it("is copied, shared and pointed to region by region, all of it protected", async () => {
    const result = await run();
    assert.deepEqual(named(result, /AmiCopy$/), ["img-eu-west-1"]);
    assert.deepEqual(named(result, /AmiLaunchPermission$/).sort(), [
      "img-eu-west-1-public",
      "img-us-west-2-public",
    ]);
    assert.deepEqual(named(result, /Parameter$/).sort(), [
      "3.23-x86_64-uefi-tiny-aws-eu-west-1",
      "3.23-x86_64-uefi-tiny-aws-us-west-2",
    ]);
    assert.equal(
      find(result, /Parameter$/, "3.23-x86_64-uefi-tiny-aws-eu-west-1").inputs.name,
      "/alpine/3.23/x86_64/uefi/tiny",
    );
    for (const one of result.resources.filter(({ type }) => type !== "pulumi:providers:aws")) {
      assert.equal(one.protect, true, one.name);
    }
    assert.deepEqual(inputOf(find(result, /Command$/, "img-snapshots")).snapshots, {
      "eu-west-1": "snap-eu-west-1",
      "us-west-2": "img-id",
    });
    const metadata = inputOf(find(result, /Command$/, "img-metadata")).cloud;
    const { dependencies } = find(result, /Command$/, "img-metadata");
    for (const region of ["eu-west-1", "us-west-2"]) {
      assert.ok(
        dependencies.includes(`aws:ec2/amiLaunchPermission:AmiLaunchPermission img-${region}-public`),
        "what it tells of may not be shared yet",
      );
    }
    assert.deepEqual(metadata, {
      importRegion: "us-west-2",
      importId: "img-id",
      published: "2026-11-23T09:00:00.000Z",
      artifacts: { "eu-west-1": "img-eu-west-1-id", "us-west-2": "img-id" },
      isReleased: true,
    });
  });

  it("is no longer protected once the ledger lets it go, nor in a stack that protects nothing", async () => {
    for (const change of [
      { state: { withdraw: true } },
      { state: { removing: true } },
      { settings: { protectPublished: false } },
    ]) {
      const { resources } = await run(change);
      assert.equal(
        resources.some(({ protect }) => protect),
        false,
      );
    }
  });

  it("takes the disk directly where the stack says so, without bucket and role", async () => {
    const result = await run({ awsSettings: { importMethod: "direct", bucket: "" } });
    assert.deepEqual(named(result, /SnapshotImport$/), []);
    const [device] = find(result, /:Ami$/).inputs.ebsBlockDevices as { snapshotId: string }[];
    assert.equal(device?.snapshotId, "snap-direct");
  });

  it("does not wait for regions of best effort", async () => {
    const regions = [...required("us-west-2"), { name: "eu-west-1", bestEffort: true }];
    const result = await run({
      regions,
      variant: { aws: { ...aws, shareSnapshots: true } },
      awsSettings: { blockPublicAccess: "off" },
    });
    for (const name of ["img-snapshots", "img-metadata"]) {
      const waitsFor = find(result, /Command$/, name).dependencies;
      assert.deepEqual(
        waitsFor.filter((one) => one.includes("eu-west-1")),
        [],
        name,
      );
      assert.ok(waitsFor.some((one) => one.includes("us-west-2")));
    }
    const snapshotsOf = (name: string): string[] =>
      Object.keys(inputOf(find(result, /Command$/, name)).snapshots as object);
    assert.deepEqual(snapshotsOf("img-snapshots"), ["us-west-2"]);
    assert.deepEqual(snapshotsOf("img-snapshots-best-effort"), ["eu-west-1"]);
    const artifacts = (name: string): string[] =>
      Object.keys((inputOf(find(result, /Command$/, name)).cloud as { artifacts: object }).artifacts);
    assert.deepEqual(artifacts("img-metadata"), ["us-west-2"]);
    assert.deepEqual(artifacts("img-metadata-best-effort"), ["us-west-2", "eu-west-1"]);
  });

  it("may be deleted in a region that is leaving, and only there", async () => {
    const leaving = { name: "eu-west-1", bestEffort: true, leaving: true };
    const { resources } = await run({ regions: [...required("us-west-2"), leaving] });
    const mayGo = resources.filter(({ type, protect }) => !protect && !type.startsWith("pulumi:"));
    assert.deepEqual(mayGo.map(({ name }) => name).sort(), [
      "3.23-x86_64-uefi-tiny-aws-channel-best-effort",
      "3.23-x86_64-uefi-tiny-aws-eu-west-1",
      "img-eu-west-1",
      "img-eu-west-1-public",
      "img-metadata-best-effort",
      "img-snapshots-best-effort",
    ]);
  });

  it("may be taken from somebody who is leaving, in all regions, and from nobody else", async () => {
    const { resources } = await run({ variant: { access: { PUBLIC: true, "111122223333": "leaving" } } });
    const mayGo = resources.filter(({ type, protect }) => !protect && !type.startsWith("pulumi:"));
    assert.deepEqual(mayGo.map(({ name }) => name).sort(), [
      "img-eu-west-1-111122223333",
      "img-us-west-2-111122223333",
    ]);
    assert.deepEqual(mayGo[0]!.inputs.accountId, "111122223333");
  });

  it("is encrypted where the configuration says so, by the key that it names", async () => {
    const secret = { access: { PUBLIC: false } };
    const keys = (result: Run): unknown[] =>
      [find(result, /SnapshotImport$/), find(result, /AmiCopy$/, "img-eu-west-1")].map(
        ({ inputs: { encrypted, kmsKeyId } }) => [encrypted, kmsKeyId],
      );
    const twice = <T>(one: T): T[] => [one, one];
    assert.deepEqual(keys(await run({ variant: secret })), twice([undefined, undefined]));
    assert.deepEqual(keys(await run({ variant: { ...secret, encrypted: true } })), twice([true, undefined]));
    const named = { ...secret, encrypted: "alias/images" };
    assert.deepEqual(keys(await run({ variant: named })), twice([true, "alias/images"]));
    const encrypted = "arn:aws:kms:us-west-2:111122223333:key/1";
    const direct = await run({
      variant: { ...secret, encrypted },
      regions: required("us-west-2"),
      awsSettings: { importMethod: "direct" },
    });
    const input = inputOf(find(direct, /Command$/, "img-snapshot"));
    assert.deepEqual([input.encrypted, input.kmsKeyId], [true, encrypted]);
  });

  it("says where it can be launched, region by region", async () => {
    const cloudLaunchUrl = "https://{region}.example.org/launch?ami={image_id}";
    const { outputs } = await run({ variant: { cloudLaunchUrl } });
    assert.deepEqual((outputs["outputs"] as { regions: object }).regions, {
      "eu-west-1": {
        imageId: "img-eu-west-1-id",
        launchUrl: "https://eu-west-1.example.org/launch?ami=img-eu-west-1-id",
      },
      "us-west-2": { imageId: "img-id", launchUrl: "https://us-west-2.example.org/launch?ami=img-id" },
    });
  });

  it("does not move to another home region: nothing that hangs on it is declared there", async () => {
    const mocks: MockTypes = {
      ...types,
      "aws:ec2/ami:Ami": (inputs) => ({ ...inputs, region: "eu-central-1" }),
    };
    await assert.rejects(
      run({ mocks }),
      /was imported in eu-central-1, but alpine:aws.region is now us-west-2/,
    );
  });

  it("has the sharing of snapshots follow from what is published", async () => {
    const snapshots = async (change: Case) => inputOf(find(await run(change), /Command$/, "img-snapshots"));
    const elsewhere = await snapshots({ regions: required("eu-west-1") });
    assert.deepEqual(Object.keys(elsewhere.snapshots as object), ["us-west-2", "eu-west-1"]);
    assert.deepEqual(elsewhere.published, ["eu-west-1"]);
    assert.deepEqual((await snapshots({ stage: "import" })).published, []);
  });

  it("ignores what would replace what lives, where a stack keeps what it has", async () => {
    const kept = await run();
    assert.ok(find(kept, /:Ami$/).ignoreChanges.includes("name"));
    assert.ok(find(kept, /SnapshotImport$/).ignoreChanges.includes("diskContainer"));
    assert.ok(find(kept, /AmiCopy$/, "img-eu-west-1").ignoreChanges.includes("sourceAmiId"));
    for (const changing of ["description", "deprecationTime", "tags"]) {
      assert.ok(!find(kept, /:Ami$/).ignoreChanges.includes(changing), changing);
    }
    const rebuilt = await run({ settings: { rebuild: "changed" }, variant: { access: { PUBLIC: false } } });
    assert.deepEqual(find(rebuilt, /:Ami$/).ignoreChanges, []);
  });

  it("is warned of where its AMI has other attributes than the configuration", async () => {
    const mocks: MockTypes = {
      ...types,
      "aws:ec2/ami:Ami": (inputs) => ({ ...inputs, bootMode: "legacy-bios" }),
    };
    const { warnings } = await run({ mocks });
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]!,
      /img was registered with bootMode legacy-bios, but the configuration now says uefi; revise/,
    );
    const other = {
      ...types,
      "aws:ec2/ami:Ami": (inputs: object) => ({
        ...inputs,
        ebsBlockDevices: [{ volumeType: "gp2", encrypted: true }],
      }),
    };
    assert.deepEqual(
      (await run({ mocks: other })).warnings
        .map((text) => /registered with (.*); revise/.exec(text)?.[1])
        .sort(),
      [
        "encrypted true, but the configuration now says false",
        "volumeType gp2, but the configuration now says gp3",
      ],
    );
    assert.deepEqual((await run()).warnings, []);
  });

  it("declares that images may be public, where the stack says so, in regions that need it", async () => {
    const off = { awsSettings: { blockPublicAccess: "off" as const } };
    assert.deepEqual(named(await run(off), /ImageBlockPublicAccess$/), [
      "public-access-images-eu-west-1",
      "public-access-images-us-west-2",
    ]);
    assert.deepEqual(named(await run(off), /SnapshotBlockPublicAccess$/), []);
    const shared = await run({ ...off, variant: { aws: { ...aws, shareSnapshots: true } } });
    assert.equal(named(shared, /SnapshotBlockPublicAccess$/).length, 2);
    assert.deepEqual(inputOf(find(shared, /Command$/, "img-snapshots")).share, ["all"]);
    const secret = await run({ ...off, variant: { access: { PUBLIC: false, "111122223333": true } } });
    assert.deepEqual(named(secret, /BlockPublicAccess$/), []);
    assert.deepEqual(named(secret, /AmiLaunchPermission$/).sort(), [
      "img-eu-west-1-111122223333",
      "img-us-west-2-111122223333",
    ]);
  });

  it("is published only once it is signed", async () => {
    const result = await run({
      variant: { signingCommand: "sign {file}", aws: { ...aws, shareSnapshots: true } },
    });
    const signing = "command:local:Command img-signatures";
    for (const one of result.resources.filter(({ type }) => /:(AmiCopy|AmiLaunchPermission)$/.test(type))) {
      assert.ok(one.dependencies.includes(signing), one.name);
    }
    assert.ok(find(result, /Command$/, "img-snapshots").dependencies.includes(signing));
    assert.ok(!find(result, /:Ami$/).dependencies.includes(signing));
  });

  it("has at each stage the resources that its progress is told by", async () => {
    for (const [stage, importMethod] of [
      ["upload", "vmimport"],
      ["import", "direct"],
      ["release", "vmimport"],
    ] as const) {
      const one = {
        stage,
        regions: [...required("us-west-2"), { name: "eu-west-1", bestEffort: true }],
        variant: { signingCommand: "sign {file}" },
      };
      const { resources } = await run({ ...one, awsSettings: { importMethod } });
      const image = someImage(one);
      const settings = readSettings({ aws: { region: "us-west-2", importMethod } });
      const expected = [
        ...expectedResources(image, stage, settings, awsProgress),
        ...releaseLines([image], "release").flatMap((line) => awsProgress.lineResources!(line)),
      ];
      const made = resources.filter(({ type }) => /^(aws|command):/.test(type));
      assert.deepEqual(made.map(({ type, name }) => `${type} ${name}`).sort(), expected.sort(), stage);
    }
  });

  it("has the account looked at before whatever may be the first to be created in a run", async () => {
    for (const importMethod of ["vmimport", "direct"] as const) {
      const { resources } = await run({ awsSettings: { blockPublicAccess: "off", importMethod } });
      // The provider changes nothing, channels' commands only read, and metadata comes after all else.
      const others = /^(alpine|pulumi):| img-metadata$| \S+-channel$/;
      const asking = resources.filter(({ type, name }) => !others.test(`${type} ${name}`));
      assert.ok(asking.length > 10);
      for (const { type, name, hooks } of asking) {
        assert.deepEqual(hooks.beforeCreate, ["preflight"], `${type} ${name}`);
      }
    }
  });

  it("has its days of deprecation looked at before one is changed", async () => {
    const { resources } = await run();
    const dated = resources.filter(({ inputs }) => "deprecationTime" in inputs);
    assert.deepEqual(
      dated.map(({ name, hooks }) => [name, hooks.beforeUpdate]),
      [
        ["img", ["preflight"]],
        ["img-eu-west-1", ["preflight"]],
      ],
    );
  });

  it("is refused with what to set, before anything is made", async () => {
    const cases: [Case, RegExp][] = [
      [{ awsSettings: { region: "" } }, /no region to import images into; set its alpine:aws/],
      [{ awsSettings: { bucket: "" } }, /no bucket to import from.*importMethod: direct/],
      [{ variant: { imageFormat: "qcow2" } }, /takes vhd and uncompressed raw, but its imageFormat is qcow2/],
      [{ variant: { encrypted: true } }, /both public and encrypted, which AWS refuses/],
      [
        { variant: { encrypted: true, access: { PUBLIC: false, "111122223333": true } } },
        /encrypted with AWS's own key, which prevents sharing; set encrypted to a key/,
      ],
      [
        {
          variant: { encrypted: "arn:aws:kms:us-west-2:111122223333:key/1", access: { PUBLIC: false } },
        },
        /its key is in us-west-2, but the image also goes to eu-west-1; use an alias/,
      ],
      [
        {
          stage: "import",
          awsSettings: { importMethod: "direct" },
          variant: { encrypted: "alias/images", access: { PUBLIC: false } },
        },
        /EBS direct needs a key's ARN, but encrypted is alias\/images/,
      ],
      [
        { variant: { access: { PUBLIC: false, "11112222333": true } } },
        /access "11112222333" is neither PUBLIC, nor an account's twelve digits/,
      ],
      [{ settings: { rebuild: "changed" } }, /public, but the stack replaces.*alpine:rebuild to never/],
      [
        { settings: { mirror: { name: "offline", url: "http://127.0.0.1" } } },
        /offline kit may only go to folders and to emulators/,
      ],
    ];
    for (const [one, message] of cases) await assert.rejects(run(one), message);
  });
});
