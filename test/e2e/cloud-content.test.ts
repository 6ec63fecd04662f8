/** The end-to-end tests' own judge: it must see each way in which a cloud can be wrong. */
import assert from "node:assert/strict";
import type { DeclaredImage } from "../../src/configuration/variant.ts";
import { newRegion, type Region } from "../doubles/aws/cloud/state.ts";
import { someVariant } from "../helpers/variant.ts";
import { dangers, differences, expected, found, type Things } from "./cloud-content.ts";
import { readSettings } from "../helpers/configuration.ts";

const account = "111122223333";
const settings = readSettings({
  stage: "release",
  aws: { region: "us-east-1", bucket: "b", emulator: true },
});
const name = "alpine-3.23.6-x86_64-uefi-tiny-r0";
const regions = ["us-east-1", "eu-west-1"];

const image = (changes: Partial<DeclaredImage["state"]> = {}): DeclaredImage => ({
  key: "3.23.6-x86_64-uefi-tiny-aws-r0",
  variant: someVariant({
    imageKey: "3.23.6-x86_64-uefi-tiny-aws",
    configKey: "3.23-x86_64-uefi-tiny-aws",
    cloud: "aws",
    firmware: "uefi",
    name: `aws_${name}`,
    access: { PUBLIC: true },
    dimensions: { version: "3.23", arch: "x86_64", firmware: "uefi", bootstrap: "tiny", cloud: "aws" },
    aws: {
      enaSupport: true,
      imdsSupport: "v2.0",
      tpmSupport: false,
      volumeType: "gp3",
      shareSnapshots: false,
    },
  }),
  state: {
    stage: "release",
    added: "2026-11-01",
    withdraw: false,
    removing: false,
    place: "l:1:1",
    ...changes,
  },
  regions: regions.map((region) => ({ name: region, bestEffort: false })),
});

const wantedOf = (one: DeclaredImage): Things =>
  expected([{ account, settings, declared: [one], digestOf: () => "0123456789abcdef00" }]);

/** A cloud as it should be, for tests to spoil. */
function rightCloud(): Record<string, Region> {
  const wanted = wantedOf(image());
  return Object.fromEntries(
    regions.map((region) => {
      const { tags, deprecated, description } = wanted[`${account} ${region} image ${name}`] as {
        tags: Record<string, string>;
        deprecated: string;
        description: string;
      };
      const snapshotId = "snap-1";
      const content = newRegion();
      content.images["ami-1"] = {
        imageId: "ami-1",
        name,
        description,
        tags,
        hiddenPolls: 0,
        polls: 0,
        creationDate: "",
        architecture: "x86_64",
        bootMode: "uefi",
        virtualizationType: "hvm",
        enaSupport: true,
        imdsSupport: "v2.0",
        rootDeviceName: "/dev/xvda",
        deprecationTime: deprecated,
        blockDevices: [
          {
            deviceName: "/dev/xvda",
            snapshotId,
            volumeType: "gp3",
            volumeSize: 1,
            deleteOnTermination: true,
            encrypted: false,
          },
        ],
        launchPermissions: [{ Group: "all" }],
      };
      content.snapshots[snapshotId] = {
        snapshotId,
        description: "",
        polls: 0,
        volumeSizeGib: 1,
        encrypted: false,
        sharedWith: [],
        tags: { ...tags, "alpine:token": "t" },
        startTime: "",
      };
      const parameter = "/alpine/3.23/x86_64/uefi/tiny";
      content.parameters[parameter] = {
        name: parameter,
        type: "String",
        dataType: "aws:ec2:image",
        tier: "Standard",
        tags: {},
        value: "ami-1",
        version: 1,
      };
      return [region, content];
    }),
  );
}

const object = { bucket: "b", key: `aws_${name}-0123456789abcdef.vhd`, isUnfinished: false };

describe("end-to-end tests' judge of a cloud", () => {
  const judge = (spoil: (cloud: Record<string, Region>) => void, objects = [object]) => {
    const cloud = rightCloud();
    spoil(cloud);
    const list = Object.entries(cloud).map(([region, content]) => ({
      account,
      name: region,
      region: content,
    }));
    const actual = found(list, objects);
    const wanted = wantedOf(image());
    return { wrong: differences(wanted, actual), dangerous: dangers(wanted, actual) };
  };
  const away = (cloud: Record<string, Region>): Region => cloud["eu-west-1"]!;
  const ami = (cloud: Record<string, Region>) => away(cloud).images["ami-1"]!;

  it("finds nothing wrong with what is right", () => {
    assert.deepEqual(
      judge(() => undefined),
      { wrong: [], dangerous: [] },
    );
  });

  const faults: [
    what: string,
    kind: RegExp,
    isDangerous: boolean,
    (cloud: Record<string, Region>) => void,
  ][] = [
    ["a lost image", /^lost: .* image/, true, (cloud) => void delete away(cloud).images["ami-1"]],
    [
      "an image twice",
      /^orphan: .*\(number 2\), and it is exposed/,
      true,
      (cloud) => void (away(cloud).images["ami-2"] = { ...ami(cloud), imageId: "ami-2" }),
    ],
    [
      "a snapshot of no image",
      /^orphan: .* snapshot of no image/,
      false,
      (cloud) =>
        void (away(cloud).snapshots["snap-2"] = {
          ...away(cloud).snapshots["snap-1"]!,
          snapshotId: "snap-2",
        }),
    ],
    [
      "a grantee too many",
      /^exposed: .* image/,
      true,
      (cloud) => void ami(cloud).launchPermissions.push({ UserId: "444455556666" }),
    ],
    [
      "a public snapshot",
      /^exposed: .* snapshot/,
      true,
      (cloud) => void away(cloud).snapshots["snap-1"]!.sharedWith.push("all"),
    ],
    [
      "a private image",
      /^differs: .* image .* grantees is \[\]/,
      true,
      (cloud) => void (ami(cloud).launchPermissions = []),
    ],
    [
      "a tag of another value",
      /^differs: .* tags/,
      false,
      (cloud) => void (ami(cloud).tags = { ...ami(cloud).tags, release: "3" }),
    ],
    [
      "a channel to nowhere",
      /^mispointed/,
      true,
      (cloud) => void (Object.values(away(cloud).parameters)[0]!.value = "ami-9"),
    ],
  ];
  for (const [what, kind, isDangerous, spoil] of faults) {
    it(`finds ${what}`, () => {
      const { wrong, dangerous } = judge(spoil);
      assert.match(wrong.join("\n"), new RegExp(kind, "m"));
      assert.equal(dangerous.length > 0, isDangerous, dangerous.join("\n"));
    });
  }

  it("finds objects and uploads that nobody needs", () => {
    const { wrong } = judge(
      () => undefined,
      [
        { ...object, isUnfinished: true },
        { ...object, key: "other" },
      ],
    );
    assert.equal(wrong.length, 2, wrong.join("\n"));
  });

  it("expects of an image what its stage, its retirement and its later ones leave it", () => {
    const kinds = (one: DeclaredImage) =>
      Object.keys(wantedOf(one)).map((key) => key.replace(/ of .*| \S+$/, ""));
    assert.deepEqual(wantedOf(image({ stage: "upload" })), {});
    assert.equal(kinds(image({ stage: "import" })).filter((kind) => / image/.test(kind)).length, 1);
    const published = kinds(image({ stage: "publish" }));
    assert.equal(published.filter((kind) => / image/.test(kind)).length, 2);
    assert.equal(published.filter((kind) => / parameter/.test(kind)).length, 0);
    const retired = wantedOf(image({ retired: "2027-02-01" }))[`${account} us-east-1 image ${name}`];
    assert.equal(retired?.["deprecated"], "2027-02-01T00:00:00.000Z");
  });
});
