/** Tests which changes of a property update or replace, exactly as in the real provider's schema. */
import assert from "node:assert/strict";
import { unknownString } from "../../../offline-kit/command-provider/property.ts";
import { Cloud } from "./cloud.ts";
import { AwsProvider } from "./provider.ts";
import { resourceTypes } from "./resources/index.ts";
import type { Property, Values } from "./schema.ts";

const provider = new AwsProvider(
  new Cloud("/nowhere", "111122223333", "provider", () => assert.fail("no look-up in S3")),
  "us-east-1",
);

function typeOf(name: string) {
  const found = [...resourceTypes.values()].find(({ token }) => token.endsWith(`:${name}`));
  assert.ok(found, name);
  return found;
}

/** What may change without a new resource; everything else that can be given replaces. From the provider's own schema. */
const changeInPlace: Record<string, string[]> = {
  SnapshotImport: ["tags"],
  Ami: ["deprecationTime", "description", "tags"],
  AmiCopy: ["deprecationTime", "description", "tags"],
  AmiLaunchPermission: [],
  SnapshotCreateVolumePermission: [],
  Tag: ["value"],
  Parameter: ["allowedPattern", "description", "insecureValue", "overwrite", "tags", "tier", "type", "value"],
  ImageBlockPublicAccess: ["state"],
  SnapshotBlockPublicAccess: ["state"],
  ServiceQuota: ["value"],
  Role: ["assumeRolePolicy", "description", "forceDetachPolicies", "maxSessionDuration", "tags"],
  RolePolicy: ["policy"],
  Bucket: ["forceDestroy"],
};

const examples: Record<Property["kind"], [unknown, unknown]> = {
  string: ["one", "two"],
  boolean: [true, false],
  number: [1, 2],
  strings: [["a"], ["b"]],
  map: [{ a: "1" }, { a: "2" }],
  object: [{}, {}],
  objects: [[], []],
};

describe("AWS emulator: differences", () => {
  for (const [name, inPlace] of Object.entries(changeInPlace)) {
    it(`${name} updates ${inPlace.join(", ") || "nothing"} in place, and replaces for all else`, () => {
      const type = typeOf(name);
      const updates: string[] = [];
      for (const [property, { kind, absent, fields }] of Object.entries(type.properties)) {
        if (absent !== undefined || fields !== undefined) continue;
        let [old, new_] = examples[kind];
        if (/^(assumeRolePolicy|policy)$/.test(property)) [old, new_] = ['{"a":1}', '{"a":2}'];
        if (property === "deprecationTime") [old, new_] = ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"];
        const { detailed } = provider.diff(
          type,
          { [property]: old } as Values,
          { [property]: new_ } as Values,
          [],
        );
        const of = [...detailed].filter(([path]) => path.startsWith(property));
        assert.equal(of.length, 1, property);
        if (!of[0]![1].replaces) updates.push(property);
      }
      assert.deepEqual(updates.sort(), inPlace);
    });
  }

  it("covers every resource that there is", () => {
    const names = [...resourceTypes.keys()].map((token) => token.split(":").at(-1));
    assert.deepEqual(names.sort(), Object.keys(changeInPlace).sort());
  });

  const image: Values = {
    name: "i",
    region: "us-east-1",
    architecture: "x86_64",
    virtualizationType: "hvm",
    sriovNetSupport: "simple",
    bootMode: "uefi",
    enaSupport: true,
    rootDeviceName: "/dev/xvda",
    tags: { a: "1" },
    ebsBlockDevices: [
      {
        deviceName: "/dev/xvda",
        snapshotId: "snap-1",
        volumeType: "gp3",
        volumeSize: 1,
        deleteOnTermination: true,
        encrypted: false,
      },
    ],
    deprecationTime: "2028-01-01T00:00:00.000Z",
  };
  const inputs: Values = {
    name: "i",
    architecture: "x86_64",
    virtualizationType: "hvm",
    sriovNetSupport: "simple",
    bootMode: "uefi",
    enaSupport: true,
    rootDeviceName: "/dev/xvda",
    tags: { a: "1" },
    ebsBlockDevices: [
      { deviceName: "/dev/xvda", snapshotId: "snap-1", volumeType: "gp3", deleteOnTermination: true },
    ],
    deprecationTime: "2028-01-01T00:00:20Z",
  };
  const changes = (news: Values, ignored: string[] = [], state = image): Record<string, string> => {
    const { detailed, deletesFirst } = provider.diff(typeOf("Ami"), state, news, ignored);
    const shown = [...detailed].map(([path, { kind, replaces }]) => [
      path,
      replaces ? `${kind} replaces` : kind,
    ]);
    return {
      ...(Object.fromEntries(shown) as Record<string, string>),
      ...(deletesFirst ? { first: "delete" } : {}),
    };
  };

  it("are none for what the cloud filled in, and for times within a minute", () => {
    assert.deepEqual(changes(inputs), {});
  });

  it("are found in what the cloud has and nobody declared", () => {
    assert.deepEqual(changes(inputs, [], { ...image, description: "by hand" }), { description: "delete" });
    const without = { ...inputs };
    delete without["deprecationTime"];
    assert.deepEqual(changes(without), { deprecationTime: "delete" });
    assert.deepEqual(changes(inputs, [], { ...image, tags: { a: "1", b: "2" } }), { 'tags["b"]': "delete" });
  });

  it("replace for a device's volume, a region, an unknown snapshot; a given name deletes first", () => {
    const device = {
      deviceName: "/dev/xvda",
      snapshotId: "snap-1",
      volumeType: "gp2",
      deleteOnTermination: true,
    };
    const type = "ebsBlockDevices[0].volumeType";
    assert.deepEqual(changes({ ...inputs, ebsBlockDevices: [device] }), {
      [type]: "update replaces",
      first: "delete",
    });
    assert.deepEqual(changes({ ...inputs, region: "eu-west-1" }), {
      region: "update replaces",
      first: "delete",
    });
    const unknown = { ...device, volumeType: "gp3", snapshotId: unknownString };
    const snapshot = "ebsBlockDevices[0].snapshotId";
    assert.deepEqual(changes({ ...inputs, ebsBlockDevices: [unknown] }), {
      [snapshot]: "update replaces",
      first: "delete",
    });
  });

  it("leave out what is ignored", () => {
    const news = { ...inputs, description: "new", architecture: "arm64" };
    assert.deepEqual(changes(news, ["architecture"]), { description: "add" });
    assert.deepEqual(changes(news, ["*"]), {});
  });

  it("fill in the real provider's defaults, and refuse what it would refuse", () => {
    const checked = provider.check(typeOf("Ami"), {
      name: "i",
      ebsBlockDevices: [{ deviceName: "/dev/xvda" }],
    });
    assert.deepEqual(checked.failures, []);
    const { virtualizationType, architecture, ebsBlockDevices, enaSupport } = checked.inputs;
    assert.deepEqual([virtualizationType, architecture, enaSupport], ["paravirtual", "x86_64", undefined]);
    assert.deepEqual(ebsBlockDevices, [
      { deviceName: "/dev/xvda", deleteOnTermination: true, volumeType: "standard" },
    ]);
    const wrong: [string, Values, RegExp][] = [
      ["Ami", {}, /Missing required argument 'name'/],
      ["Ami", { name: "i", bootMode: "bios" }, /expected 'bootMode' to be one of/],
      ["Ami", { name: "i", nmae: "x" }, /unknown key 'nmae'/],
      ["Ami", { name: "i", kernelId: "x" }, /isn't in the AWS emulator/],
      [
        "SnapshotImport",
        { diskContainer: { format: "vhd", userBucket: { s3Bucket: "b", s3Key: "k" } } },
        /"VHD"/,
      ],
      ["SnapshotImport", { diskContainer: { format: "VHD" } }, /diskContainer.userBucket/],
      ["AmiLaunchPermission", { imageId: "ami-1" }, /only one of/],
      ["AmiLaunchPermission", { imageId: "ami-1", group: "all", accountId: "1" }, /only one of/],
      ["AmiLaunchPermission", { imageId: "ami-1", group: "everyone" }, /expected 'group'/],
      ["Parameter", { name: "/p", type: "String" }, /one of `insecure_value,value/],
      ["Tag", { key: "k", resourceId: "ami-1", value: 1 }, /expected 'value' to be a string/],
    ];
    for (const [name, news, reason] of wrong) {
      const { failures } = provider.check(typeOf(name), news);
      assert.match(
        failures.map((failure) => failure.reason).join("\n"),
        reason,
        `${name} ${JSON.stringify(news)}`,
      );
    }
  });
});
