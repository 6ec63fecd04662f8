/** What recover finds in an account that several stacks share, against the emulator's HTTP interface. No engine: the state is written here. */
import assert from "node:assert/strict";
import { amiTags, ownerTag } from "../../../clouds/aws/rules.ts";
import type { DeclaredImage, Stage } from "../../../src/configuration/variant.ts";
import { unfinishedSharing } from "../../../clouds/aws/recover/sharing.ts";
import { recoverAws, requireAccount } from "../../../clouds/aws/recover/recover.ts";
import type { Recovered } from "../../../src/recover/cloud-recovery.ts";
import type { StackState, StateResource } from "../../../src/stacks/state.ts";
import type { Image, Region, Snapshot } from "../../doubles/aws/cloud/state.ts";
import { testEndpoint, type TestEndpoint } from "../../doubles/aws/test-endpoint.ts";
import { someVariant } from "../../helpers/variant.ts";
import { readSettings } from "../../helpers/configuration.ts";
import { rejectsWith } from "../../helpers/errors.ts";

const account = "111122223333";
const partner = "777788889999";
const [home, copied, published, foreign, unlisted] = [
  "us-west-2",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "us-east-1",
] as [string, string, string, string, string];

const component = "urn:pulumi:test::images::alpine:index:ImageVariant$alpine:index:AwsImage";
const provider = `urn:pulumi:test::images::pulumi:providers:aws::aws::id-of-it`;
const nameOf = (key: string): string => `alpine-${key}`;

function declared(key: string, stage: Stage, regions: string[]): DeclaredImage {
  return {
    key,
    variant: someVariant({ cloud: "aws", name: `aws_${nameOf(key)}`, access: { PUBLIC: true } }),
    state: { stage, added: "2026-11-01", withdraw: false, removing: false, place: "ledger:1:1" },
    regions: regions.map((name) => ({ name, bestEffort: false })),
  };
}

const aws = (key: string, type: string, region: string, id: string, more: object = {}): StateResource => ({
  urn: `${component}$${type}::${key}`,
  custom: true,
  type,
  id,
  provider,
  protect: true,
  parent: `${component}::${key}`,
  inputs: { region, name: nameOf(key), tags: { Name: nameOf(key) }, ...more },
  outputs: { ownerId: account, ...more },
});

/** @param step its name in the state; the default is that of states written before December 2026 */
const snapshotsCommand = (
  key: string,
  snapshots: Record<string, string>,
  step = "aws-snapshots",
): StateResource => {
  const input = { double: true, snapshots, tags: { release: "3.23.6" }, share: [], published: [home] };
  return {
    urn: `${component}$command:local:Command::${key}-snapshots`,
    type: "command:local:Command",
    inputs: { environment: { ALPINE_STEP: step, ALPINE_STEP_INPUT: JSON.stringify(input) } },
  };
};

const resources: StateResource[] = [
  { urn: provider.replace(/::id-of-it$/, ""), type: "pulumi:providers:aws", id: "id-of-it" },
  aws("one", "aws:ebs/snapshotImport:SnapshotImport", home, "snap-00000001"),
  aws("one", "aws:ec2/ami:Ami", home, "ami-00000001"),
  snapshotsCommand("one", { [home]: "snap-00000001" }),
  // Its entry was dropped from the ledger meanwhile, and no `up` was run since.
  aws("dropped", "aws:ec2/ami:Ami", home, "ami-00000002"),
  aws("cut", "aws:ec2/amiCopy:AmiCopy", copied, "ami-0000000d", {
    ebsBlockDevices: [{ snapshotId: "snap-0000000d" }],
  }),
];
const state: StackState = { deployment: { resources, pending_operations: [] } };

const snapshot = (snapshotId: string, tags: Record<string, string> = {}, more: Partial<Snapshot> = {}) => ({
  snapshotId,
  description: "",
  polls: 0,
  volumeSizeGib: 1,
  encrypted: false,
  sharedWith: [],
  tags,
  startTime: "2026-11-23T08:00:00.000Z",
  ...more,
});

const image = (imageId: string, name: string, snapshotId: string, more: Partial<Image> = {}): Image => ({
  imageId,
  name,
  description: "",
  hiddenPolls: 0,
  polls: 0,
  creationDate: "2026-11-23T08:00:00.000Z",
  architecture: "x86_64",
  virtualizationType: "hvm",
  enaSupport: true,
  rootDeviceName: "/dev/xvda",
  blockDevices: [{ deviceName: "/dev/xvda", snapshotId, volumeType: "gp3", volumeSize: 1 }].map((device) => ({
    ...device,
    deleteOnTermination: true,
    encrypted: false,
  })),
  launchPermissions: [],
  tags: {},
  ...more,
});

/** A copy of an AMI of the home region, with its snapshot. */
function copyInto({ images, snapshots }: Region, digit: string, name: string, sourceImageId: string): Image {
  const [imageId, snapshotId] = [`ami-0000000${digit}`, `snap-0000000${digit}`];
  snapshots[snapshotId] = snapshot(snapshotId);
  return (images[imageId] = image(imageId, name, snapshotId, { sourceImageId, sourceRegion: home }));
}

const importOf = (snapshotId: string, owner: string) => ({
  importTaskId: `import-${snapshotId}`,
  description: "",
  format: "VHD",
  polls: 0,
  snapshotId,
  content: { bucket: "images", key: "disk" },
  tags: { [ownerTag]: owner },
});

describe("recover, on AWS", function () {
  // EC2 is looked at three times, a second apart.
  this.timeout(20_000);
  let endpoint: TestEndpoint;
  let recovered: Recovered;
  const settings = readSettings({
    stage: "release",
    aws: { region: home, importMethod: "direct", accounts: [account], emulator: true },
  });
  const there = (region: string) => {
    const { images, snapshots } = endpoint.cloud.region(account, region);
    return [...Object.keys(images), ...Object.keys(snapshots)].sort();
  };
  const said = (pattern: RegExp): string[] => recovered.notes.filter((note) => pattern.test(note));

  before(async () => {
    const lowered = declared("lowered", "local", []);
    const awaited = declared("awaited", "import", []);
    endpoint = await testEndpoint();
    const { cloud } = endpoint;
    cloud.meddle(account, home, ({ images, snapshots, importTasks }) => {
      snapshots["snap-00000001"] = snapshot("snap-00000001", { release: "3.23.6" }, { sharedWith: ["all"] });
      const launchPermissions = [{ Group: "all" as const }, { UserId: partner }];
      images["ami-00000001"] = image("ami-00000001", nameOf("one"), "snap-00000001", { launchPermissions });
      snapshots["snap-00000002"] = snapshot("snap-00000002");
      images["ami-00000002"] = image("ami-00000002", nameOf("dropped"), "snap-00000002");
      for (const [digit, owner] of [
        ["4", "images/test/one"],
        ["5", "images/other/one"],
      ] as const) {
        const id = `snap-0000000${digit}`;
        snapshots[id] = snapshot(id);
        importTasks[`import-${id}`] = importOf(id, owner);
      }
      snapshots["snap-00000006"] = snapshot("snap-00000006", { [ownerTag]: "images/test/gone" });
      snapshots["snap-00000007"] = snapshot("snap-00000007", { [ownerTag]: "images/test-2/gone" });
      // Of one that is not to be imported any more, and of one that still is.
      for (const [id, one] of [
        ["snap-00000008", lowered],
        ["snap-0000000e", awaited],
      ] as const) {
        const tags = { ...amiTags(one.variant), [ownerTag]: `images/test/${one.key}`, "alpine:token": "t" };
        snapshots[id] = snapshot(id, tags, { description: one.variant.description });
      }
    });
    cloud.meddle(account, copied, (region) => {
      copyInto(region, "9", nameOf("one"), "ami-00000001");
      copyInto(region, "a", nameOf("dropped"), "ami-00000002");
      region.snapshots["snap-0000000d"] = snapshot("snap-0000000d");
    });
    cloud.meddle(account, published, (region) => {
      copyInto(region, "b", nameOf("one"), "ami-00000001").launchPermissions = [{ UserId: partner }];
    });
    cloud.meddle(account, foreign, (region) => {
      copyInto(region, "c", nameOf("one"), "ami-00000099");
    });
    cloud.takeCalls();
    const one = declared("one", "import", [copied, published, foreign]);
    const task = { declared: [one, lowered, awaited], settings };
    const begun = new Error("a run has begun");
    const before = endpoint.cloud.region(account, home);
    await assert.rejects(
      recoverAws(task, state, () => {
        throw begun;
      }),
      /a run has begun/,
    );
    assert.deepEqual(endpoint.cloud.region(account, home), before, "something was deleted under a run");
    endpoint.cloud.takeCalls();
    recovered = await recoverAws(task, state, () => {});
  });
  after(() => endpoint.close());

  it("deletes a private copy of an AMI that the state has, at whatever stage its entry is today", () => {
    assert.deepEqual(there(copied), []);
    assert.equal(said(/^deleted alpine-one \(ami-00000009 in eu-west-1\)/).length, 1);
    assert.equal(said(/^deleted alpine-dropped \(ami-0000000a in eu-west-1\)/).length, 1);
  });

  it("deletes the snapshot of a copy whose deletion was cut off", () => {
    assert.equal(said(/^deleted snapshot snap-0000000d in eu-west-1 of alpine-cut/).length, 1);
  });

  it("leaves what another stack of the account has made under the same name", () => {
    assert.deepEqual(there(foreign), ["ami-0000000c", "snap-0000000c"]);
    assert.equal(said(/^left alone: .*ami-0000000c in eu-west-3.* belongs to another stack/).length, 1);
  });

  it("leaves what is shared", () => {
    assert.deepEqual(there(published), ["ami-0000000b", "snap-0000000b"]);
    assert.equal(said(/^left alone: .*ami-0000000b in eu-west-2.* is public or shared/).length, 1);
  });

  it("deletes snapshots that were begun in this stack's name and that no `up` goes on with, and no other's", () => {
    const kept = ["snap-00000001", "snap-00000002", "snap-00000005", "snap-00000007", "snap-0000000e"];
    assert.deepEqual(there(home), ["ami-00000001", "ami-00000002", ...kept]);
    assert.equal(said(/^deleted snapshot snap-00000004 in us-west-2 of import-snap-00000004/).length, 1);
    assert.equal(said(/^deleted snapshot snap-00000006 in us-west-2 of images\/test\/gone/).length, 1);
    assert.equal(said(/^deleted snapshot snap-00000008 in us-west-2 of images\/test\/lowered/).length, 1);
    assert.deepEqual(said(/00000005|00000007|0000000e/), []);
  });

  it("takes a permission that took effect into the state, so that a lowered stage takes it back", () => {
    const type = "aws:ec2/amiLaunchPermission:AmiLaunchPermission";
    const inputs = { region: home, imageId: "ami-00000001", group: "all" };
    assert.deepEqual(recovered.adopted, [
      {
        urn: `${component}$${type}::one-us-west-2-public`,
        custom: true,
        type,
        inputs,
        provider,
        id: "ami-00000001-group-all",
        outputs: { ...inputs, id: "ami-00000001-group-all" },
        parent: `${component}::one`,
        protect: true,
        dependencies: [`${component}$aws:ec2/ami:Ami::one`],
      },
    ]);
  });

  it("leaves a permission alone that the stack never asks for: somebody gave it", () => {
    assert.equal(said(/^left alone: ami-00000001-777788889999 in us-west-2/).length, 1);
    const { launchPermissions } = endpoint.cloud.region(account, home).images["ami-00000001"]!;
    assert.equal(launchPermissions.length, 2);
  });

  it("has the next `up` share anew what was shared without the state's knowing", () => {
    assert.equal(
      said(/snap-00000001 in us-west-2 is shared with all, but in the state with nobody/).length,
      1,
    );
    const [command] = recovered.unfinished;
    const { environment } = command?.inputs as { environment: { ALPINE_STEP_INPUT: string } };
    assert.notDeepEqual(environment, resources[3]?.inputs?.["environment"]);
    assert.equal(recovered.unfinished.length, 1);
  });

  it("asks in no region that the stack has nothing to do with", () => {
    const regions = new Set(endpoint.cloud.takeCalls().map(({ region }) => region));
    assert.deepEqual([...regions].sort(), [copied, published, foreign, home].sort());
    assert.ok(!regions.has(unlisted));
  });

  it("knows the commands of old states and of new ones", async () => {
    for (const step of ["aws-snapshots", "aws-tag-snapshots"]) {
      const command = snapshotsCommand("one", { [home]: "snap-00000001" }, step);
      assert.equal((await unfinishedSharing([command], [home], true)).length, 1, step);
    }
  });

  describe("the account", () => {
    const refused = (accounts: string[], resources: StateResource[], text: RegExp) =>
      rejectsWith(
        requireAccount(readSettings({ aws: { region: home, accounts, emulator: true } }), {
          deployment: { resources },
        }),
        { code: "aws-account-wrong", where: account, text },
      );

    it("is one that the stack names", async () => {
      await refused([partner], [], /may only publish to 777788889999/);
    });

    it("is the one that has the stack's images", async () => {
      const [, imported] = resources;
      const elsewhere = { ...imported!, outputs: { ownerId: partner } };
      await refused([], [elsewhere], /the stack's images are in 777788889999/);
      await requireAccount(settings, state);
    });
  });
});
