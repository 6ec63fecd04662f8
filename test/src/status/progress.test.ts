import { clouds } from "../../../clouds/registry.ts";
import assert from "node:assert/strict";
import type { DeclaredImage, ImageState } from "../../../src/configuration/variant.ts";
import type { StateResource } from "../../../src/stacks/state.ts";
import { progressOf, type ImageProgress } from "../../../src/status/progress.ts";
import { someVariant } from "../../helpers/variant.ts";
import { readSettings } from "../../helpers/configuration.ts";

const home = "us-west-2";
const regions = [
  { name: "eu-west-1", bestEffort: false },
  { name: "me-south-1", bestEffort: true },
  { name: home, bestEffort: false },
];
const line = "3.23-x86_64-bios-tiny-aws";

function declared(changes: Partial<ImageState> = {}, release = "3.23.6"): DeclaredImage {
  const imageKey = `${release}-x86_64-bios-tiny-aws`;
  return {
    key: `${imageKey}-r0`,
    variant: someVariant({
      imageKey,
      configKey: line,
      release,
      cloud: "aws",
      access: { PUBLIC: false, "111122223333": true },
    }),
    state: {
      stage: "release",
      added: "2026-11-01",
      withdraw: false,
      removing: false,
      place: "ledger:1:1",
      ...changes,
    },
    regions,
  };
}

const resource = (type: string, name: string, more: Partial<StateResource> = {}): StateResource => ({
  urn: `urn:pulumi:release::alpine::${type}::${name}`,
  type,
  ...more,
});
const command = (name: string, input: object = {}): StateResource =>
  resource("command:local:Command", name, {
    inputs: { environment: { ALPINE_STEP_INPUT: JSON.stringify(input) } },
  });

/** Everything that the stack has of a released image, by what each is called here. */
function released(key = "3.23.6-x86_64-bios-tiny-aws-r0"): Record<string, StateResource> {
  const ids: Record<string, string> = { [home]: "ami-home", "eu-west-1": "ami-eu", "me-south-1": "ami-me" };
  const published = Object.keys(ids);
  const copy = (region: string) =>
    resource("aws:ec2/amiCopy:AmiCopy", `${key}-${region}`, { id: ids[region]!, inputs: { region } });
  const permission = (region: string) =>
    resource("aws:ec2/amiLaunchPermission:AmiLaunchPermission", `${key}-${region}-111122223333`);
  // As the class of @pulumi/aws has it: a parameter's value is a secret, which an export keeps encrypted.
  const value = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    ciphertext: "v1:…",
  };
  const parameter = (region: string) =>
    resource("aws:ssm/parameter:Parameter", `${line}-${region}`, { inputs: { region, value } });
  return {
    variant: resource("alpine:index:ImageVariant", key),
    disk: command(`${key}-disk`),
    artifact: command(`${key}-artifact`),
    upload: command(`${key}-upload`),
    import: resource("aws:ebs/snapshotImport:SnapshotImport", key),
    ami: resource("aws:ec2/ami:Ami", key, { id: "ami-home", inputs: { region: home } }),
    copy: copy("eu-west-1"),
    bestEffortCopy: copy("me-south-1"),
    shared: permission(home),
    sharedCopy: permission("eu-west-1"),
    bestEffortShared: permission("me-south-1"),
    snapshots: command(`${key}-snapshots`, {
      snapshots: { [home]: "snap-home", "eu-west-1": "snap-eu" },
      published,
    }),
    bestEffortSnapshots: command(`${key}-snapshots-best-effort`, {
      snapshots: { "me-south-1": "snap-me" },
      published,
    }),
    metadata: command(`${key}-metadata`, {
      cloud: { artifacts: { [home]: "ami-home", "eu-west-1": "ami-eu" } },
    }),
    bestEffortMetadata: command(`${key}-metadata-best-effort`, { cloud: { artifacts: ids } }),
    line: resource("alpine:index:Channel", line),
    parameter: parameter(home),
    otherParameter: parameter("eu-west-1"),
    bestEffortParameter: parameter("me-south-1"),
    channel: command(`${line}-channel`, { images: { [home]: "ami-home", "eu-west-1": "ami-eu" } }),
    bestEffortChannel: command(`${line}-channel-best-effort`, { images: ids }),
  };
}

function progress(
  state: Record<string, StateResource>,
  images: readonly DeclaredImage[] = [declared()],
  ceiling: ImageState["stage"] = "release",
): ImageProgress[] {
  const settings = readSettings({ stage: ceiling, aws: { region: home } });
  return progressOf("release", images, settings, Object.values(state), clouds);
}

function without(...names: string[]): Record<string, StateResource> {
  return Object.fromEntries(Object.entries(released()).filter(([name]) => !names.includes(name)));
}

describe("an image's progress", () => {
  it("is whole where everything that the ledger declares is in the state", () => {
    assert.deepEqual(progress(released()), [
      {
        stack: "release",
        key: "3.23.6-x86_64-bios-tiny-aws-r0",
        stage: "release",
        built: true,
        stored: true,
        imported: true,
        described: true,
        copies: { there: 2, of: 2, missing: [] },
        snapshots: { there: 3, of: 3, missing: [] },
        shared: { there: 3, of: 3, missing: [] },
        channel: { there: 3, of: 3, missing: [] },
        bestEffort: [],
        leftOver: [],
        pending: [],
      },
    ]);
  });

  /** As it is at stage import. */
  function imported(): Record<string, StateResource> {
    const { variant, disk, artifact, upload, import: snapshot, ami, metadata } = released();
    const snapshots = command("3.23.6-x86_64-bios-tiny-aws-r0-snapshots", {
      snapshots: { [home]: "snap-home" },
      published: [],
    });
    return { variant, disk, artifact, upload, snapshot, ami, snapshots, metadata } as Record<
      string,
      StateResource
    >;
  }

  it("is only what the stage asks for, the entry's or the stack's", () => {
    for (const [state, ceiling] of [
      [{ stage: "import" }, "release"],
      [{ stage: "release" }, "import"],
    ] as const) {
      const [image] = progress(imported(), [declared(state)], ceiling);
      assert.deepEqual(image?.pending, []);
      assert.equal(image.stage, "import");
      assert.deepEqual(image.snapshots, { there: 1, of: 1, missing: [] });
      assert.equal(image.copies, undefined);
    }
    const [local] = progress({}, [declared({ stage: "local" })]);
    assert.deepEqual([local?.stored, local?.pending], [undefined, ["not built"]]);
  });

  it("has what a lowered stage asks for no longer as still to be deleted or taken back", () => {
    const [image] = progress(released(), [declared({ stage: "import" })]);
    assert.deepEqual(image?.pending, [`snapshots in ${home}`, "12 to be deleted"]);
    assert.ok(image.leftOver.includes(`${line}-eu-west-1`), "the channel's, too");
    const [stored] = progress(imported(), [declared({ stage: "upload" })]);
    assert.deepEqual(stored?.pending, ["4 to be deleted"]);
  });

  it("has what is in a region that was taken out as still to be deleted", () => {
    const image = { ...declared(), regions: regions.filter(({ name }) => name !== "eu-west-1") };
    const [found] = progress(released(), [image]);
    assert.deepEqual(found?.leftOver, [
      "3.23.6-x86_64-bios-tiny-aws-r0-eu-west-1",
      "3.23.6-x86_64-bios-tiny-aws-r0-eu-west-1-111122223333",
      `${line}-eu-west-1`,
    ]);
    assert.deepEqual(found.pending.at(-1), "3 to be deleted");
  });

  it("has what was replaced as still to be deleted no longer there", () => {
    const ami = { ...released()["ami"]!, delete: true };
    assert.equal(progress({ ...released(), ami })[0]?.imported, false);
  });

  it("names what is missing, and in which required regions", () => {
    assert.deepEqual(progress({})[0]?.pending, [
      "not built",
      "not stored",
      "not described",
      "not imported",
      `snapshots in ${home}, eu-west-1`,
      "copies in eu-west-1",
      "shared in eu-west-1, us-west-2",
      "channel in eu-west-1, us-west-2",
    ]);
    const [image] = progress(without("sharedCopy", "snapshots"));
    assert.deepEqual(image?.pending, [`snapshots in ${home}, eu-west-1`, "shared in eu-west-1"]);
    assert.deepEqual(image.shared, { there: 2, of: 3, missing: ["eu-west-1"] });
  });

  it("is described where its metadata names its images of today", () => {
    const old = { ...released()["copy"]!, id: "ami-other" };
    for (const state of [without("metadata"), { ...released(), copy: old }]) {
      const [image] = progress(state);
      assert.equal(image?.described, false);
      assert.equal(image.pending[0], "not described");
    }
  });

  it("has snapshots that recover has found changed as still to be set right", () => {
    const snapshots = { [home]: "snap-home", "eu-west-1": "snap-eu" };
    const input = { snapshots, published: regions.map(({ name }) => name), unfinished: true };
    const marked = command("3.23.6-x86_64-bios-tiny-aws-r0-snapshots", input);
    const [image] = progress({ ...released(), snapshots: marked });
    assert.deepEqual(image?.pending, [`snapshots in ${home}, eu-west-1`]);
  });

  it("waits for no region of best effort, and names it apart", () => {
    const [image] = progress(
      without("bestEffortCopy", "bestEffortShared", "bestEffortParameter", "bestEffortChannel"),
    );
    assert.deepEqual(image?.pending, []);
    assert.deepEqual(image.bestEffort, ["me-south-1"]);
    assert.deepEqual(image.copies, { there: 1, of: 2, missing: [] });
    for (const part of ["bestEffortSnapshots", "bestEffortMetadata"]) {
      const [found] = progress(without(part));
      assert.deepEqual([found?.pending, found?.bestEffort], [[], ["me-south-1"]], part);
    }
  });

  it("counts a channel only where it names this image and was read back", () => {
    const old = {
      ...released(),
      parameter: resource("aws:ssm/parameter:Parameter", `${line}-${home}`, {
        inputs: { insecureValue: "ami-old" },
      }),
    };
    assert.deepEqual(progress(old)[0]?.pending, ["channel in us-west-2"]);
    const unread = progress(without("channel", "bestEffortChannel"))[0];
    assert.deepEqual(unread?.pending, ["channel in eu-west-1, us-west-2"]);
    const late = command(`${line}-channel-best-effort`, { images: { [home]: "ami-old" } });
    const elsewhere = { ...released(), bestEffortChannel: late };
    assert.deepEqual(progress(elsewhere)[0]?.pending, [], "required regions are read back on their own");
    assert.deepEqual(progress({ ...elsewhere, channel: late })[0]?.pending, [
      "channel in eu-west-1, us-west-2",
    ]);
  });

  it("asks a channel of the newest released image alone", () => {
    const newer = declared({}, "3.23.7");
    const [old, next] = progress(released(), [declared(), newer]);
    assert.equal(old?.channel, undefined);
    assert.deepEqual(old?.pending, []);
    assert.deepEqual(next?.channel?.there, 0);
  });

  it("doesn't take what was cut off in the middle as there", () => {
    const copy = { ...released()["copy"]!, initErrors: ["timeout while waiting"] };
    assert.deepEqual(progress({ ...released(), copy })[0]?.copies?.missing, ["eu-west-1"]);
  });

  it("names images that the ledger no longer has", () => {
    const [left, channel, ...others] = progress(released(), []);
    assert.deepEqual(others, []);
    assert.deepEqual([left?.stage, left?.pending], ["none", ["all to be deleted"]]);
    assert.deepEqual([channel?.key, channel?.leftOver.length], [line, 5], "and channels that are left alone");
  });
});
