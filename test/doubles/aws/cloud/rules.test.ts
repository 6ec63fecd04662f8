/** One test a rule: what AWS refuses, the double refuses, by the same code; and what AWS takes, it takes. */
import assert from "node:assert/strict";
import { actions, type ActionName, type Answer, type Params } from "./actions.ts";
import { AwsError } from "./aws-error.ts";
import { regionsWithoutOptIn } from "./describe.ts";
import { newGlobal, newRegion, type Region } from "./state.ts";
import { defaultPolls, type ObjectLookup, type World } from "./world.ts";

const now = Date.parse("2026-11-23T12:00:00Z");
const gib = 1024 ** 3;

function rawObject(bytes: number): ObjectLookup {
  const zeros = Buffer.alloc(512);
  return {
    bucketRegion: "us-east-1",
    found: { bucket: "images", key: "image", etag: '"e"', bytes, head: zeros, tail: zeros },
  };
}

function vhdObject(virtualBytes: number): ObjectLookup {
  const tail = Buffer.alloc(512);
  tail.write("conectix");
  tail.writeBigUInt64BE(BigInt(virtualBytes), 48);
  const bytes = virtualBytes + 512;
  return {
    bucketRegion: "us-east-1",
    found: { bucket: "images", key: "image", etag: '"e"', bytes, head: Buffer.alloc(512), tail },
  };
}

/** A cloud in which everything is there at once, unless a test says otherwise. */
class TestCloud {
  public readonly regions: Record<string, Region> = {};
  public readonly global = newGlobal();
  public polls = { visible: 0, register: 0, copy: 0, import: 0, parameter: 0, blockPublicAccess: 0 };
  public now = now;
  public object: ObjectLookup = rawObject(gib);

  public region(name = "us-east-1"): Region {
    return (this.regions[name] ??= newRegion());
  }

  public call<Name extends ActionName>(
    action: Name,
    params: Params<Name>,
    region = "us-east-1",
  ): Answer<Name> {
    const world: World = {
      ...{ account: "111122223333", regionName: region, now: this.now, polls: this.polls },
      ...{ region: this.region(region), global: this.global, object: this.object },
      enabledRegions: regionsWithoutOptIn,
      otherRegion: (name) => this.region(name),
    };
    return (actions[action] as (world: World, params: Params<Name>) => Answer<Name>)(world, params);
  }

  public refuses<Name extends ActionName>(
    code: string,
    action: Name,
    params: Params<Name>,
    region?: string,
    message = /./,
  ): void {
    assert.throws(
      () => this.call(action, params, region),
      (error) => {
        assert.ok(error instanceof AwsError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        return true;
      },
    );
  }

  public addRole(trust: object = vmimportTrust, actionsAllowed = vmimportActions): void {
    const document = (statement: object): string =>
      JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    this.call("CreateRole", { RoleName: "vmimport", AssumeRolePolicyDocument: document(trust) });
    const PolicyDocument = document({ Effect: "Allow", Action: actionsAllowed, Resource: "*" });
    this.call("PutRolePolicy", { RoleName: "vmimport", PolicyName: "vmimport", PolicyDocument });
  }

  public import(params: Partial<Params<"ImportSnapshot">> = {}): string {
    if (this.global.roles["vmimport"] === undefined) this.addRole();
    return this.call("ImportSnapshot", { ...importParams, ...params }).ImportTaskId;
  }

  public task(id: string) {
    return this.call("DescribeImportSnapshotTasks", { ImportTaskIds: [id] }).ImportSnapshotTasks[0]!
      .SnapshotTaskDetail;
  }

  public snapshot(params: Partial<Params<"ImportSnapshot">> = {}): string {
    const { SnapshotId, StatusMessage } = this.task(this.import(params));
    assert.ok(SnapshotId, StatusMessage);
    return SnapshotId;
  }

  public image(params: Partial<Params<"RegisterImage">> = {}): string {
    return this.call("RegisterImage", imageOf(this.snapshot(), params)).ImageId;
  }

  public shown(id: string, region?: string) {
    return this.call("DescribeImages", { ImageIds: [id] }, region).Images[0]!;
  }
}

const vmimportTrust = {
  ...{ Effect: "Allow", Principal: { Service: "vmie.amazonaws.com" }, Action: "sts:AssumeRole" },
  Condition: { StringEquals: { "sts:Externalid": "vmimport" } },
};
const vmimportActions = [
  ...["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"],
  ...["ec2:ModifySnapshotAttribute", "ec2:CopySnapshot", "ec2:RegisterImage", "ec2:Describe*"],
];
const importParams = {
  DiskContainer: { Format: "RAW", UserBucket: { S3Bucket: "images", S3Key: "image" } },
};
const imageOf = (
  SnapshotId: string,
  params: Partial<Params<"RegisterImage">> = {},
): Params<"RegisterImage"> => ({
  ...{ Name: "an image", Architecture: "x86_64", VirtualizationType: "hvm", RootDeviceName: "/dev/xvda" },
  BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId } }],
  ...params,
});
const toAll = (ImageId: string): Params<"ModifyImageAttribute"> => ({
  ImageId,
  LaunchPermission: { Add: [{ Group: "all" }] },
});
const later = (iso: string): string => new Date(iso).toISOString();

describe("AWS double: rules", () => {
  let cloud: TestCloud;
  beforeEach(() => (cloud = new TestCloud()));

  describe("ImportSnapshot", () => {
    it("makes a snapshot as large as the disk, in whole GiB, that knows which object it was", () => {
      cloud.object = vhdObject(gib + 1024 ** 2);
      const id = cloud.snapshot({ DiskContainer: { ...importParams.DiskContainer, Format: "VHD" } });
      assert.match(id, /^snap-0[0-9a-f]{16}$/);
      assert.equal(cloud.region().snapshots[id]?.volumeSizeGib, 2);
      assert.equal(cloud.region().snapshots[id]?.content?.etag, '"e"');
    });

    it("wants the role, its trust and its permissions", () => {
      cloud.refuses(
        "InvalidParameter",
        "ImportSnapshot",
        importParams,
        undefined,
        /vmimport provided does not exist/,
      );
      cloud.addRole({ ...vmimportTrust, Principal: { Service: "ec2.amazonaws.com" } });
      cloud.refuses("InvalidParameter", "ImportSnapshot", importParams);
      for (const missing of vmimportActions) {
        const other = new TestCloud();
        other.addRole(
          vmimportTrust,
          vmimportActions.filter((action) => action !== missing),
        );
        other.refuses(
          "InvalidParameter",
          "ImportSnapshot",
          importParams,
          undefined,
          /sufficient permissions/,
        );
      }
      const wrongId = new TestCloud();
      wrongId.addRole({ ...vmimportTrust, Condition: { StringEquals: { "sts:Externalid": "other" } } });
      wrongId.refuses("InvalidParameter", "ImportSnapshot", importParams);
    });

    it("knows VHD, VMDK and RAW, in capitals", () => {
      cloud.addRole();
      for (const Format of ["vhd", "VHDX", "qcow2", ""]) {
        const params = { DiskContainer: { ...importParams.DiskContainer, Format } };
        cloud.refuses(Format === "" ? "MissingParameter" : "InvalidParameter", "ImportSnapshot", params);
      }
    });

    it("fails the task, not the call, for an object that isn't there, isn't readable or isn't of the format", () => {
      const cases: [ObjectLookup, string, RegExp][] = [
        [{ failure: "404 Not Found" }, "RAW", /404 Not Found/],
        [{ failure: "403 Forbidden" }, "RAW", /403 Forbidden/],
        [rawObject(gib), "VHD", /Unsupported specified file format/],
        [rawObject(gib), "VMDK", /Unsupported specified file format/],
        [rawObject(0), "RAW", /Unsupported specified file format/],
      ];
      for (const [object, Format, message] of cases) {
        cloud.object = object;
        const task = cloud.task(cloud.import({ DiskContainer: { ...importParams.DiskContainer, Format } }));
        assert.equal(task.Status, "deleted");
        assert.match(task.StatusMessage ?? "", message);
      }
      assert.deepEqual(cloud.region().snapshots, {});
    });

    it("wants the bucket in its own region", () => {
      cloud.addRole();
      cloud.object = { ...rawObject(gib), bucketRegion: "eu-west-1" };
      cloud.refuses("InvalidParameter", "ImportSnapshot", importParams, undefined, /not local to the region/);
    });

    it("makes one task for one client token", () => {
      const tasks = [1, 2].map(() => cloud.import({ ClientToken: "t" }));
      assert.equal(tasks[0], tasks[1]);
      assert.notEqual(cloud.import({ ClientToken: "u" }), tasks[0]);
      assert.equal(Object.keys(cloud.region().snapshots).length, 2);
    });

    it("ends after some polls, and its snapshot can't be used before", () => {
      cloud.polls.import = 2;
      const id = cloud.import();
      assert.equal(cloud.task(id).Status, "active");
      const pending = Object.keys(cloud.region().snapshots)[0]!;
      cloud.refuses("IncorrectState", "RegisterImage", imageOf(pending));
      assert.equal(cloud.task(id).Status, "completed");
      assert.ok(cloud.call("RegisterImage", imageOf(pending)).ImageId);
    });
  });

  describe("RegisterImage", () => {
    it("has bad defaults", () => {
      const { Architecture: _, VirtualizationType: __, ...bare } = imageOf(cloud.snapshot());
      const shown = cloud.shown(cloud.call("RegisterImage", bare).ImageId);
      assert.equal(shown.VirtualizationType, "paravirtual");
      assert.equal(shown.Architecture, "i386");
      assert.equal(shown.EnaSupport, false);
    });

    it("takes a name once in a region, of 3 to 128 allowed characters", () => {
      const id = cloud.image();
      const again = imageOf(cloud.snapshot());
      const message = new RegExp(`AMI name an image is already in use by AMI ${id}`);
      cloud.refuses("InvalidAMIName.Duplicate", "RegisterImage", again, undefined, message);
      for (const Name of ["ab", "a".repeat(129), "a:b:c", "naïve"]) {
        cloud.refuses("InvalidAMIName.Malformed", "RegisterImage", { ...again, Name });
      }
      cloud.call("DeregisterImage", { ImageId: id });
      assert.ok(cloud.call("RegisterImage", again).ImageId);
    });

    it("wants a boot mode that the architecture has", () => {
      const SnapshotId = cloud.snapshot();
      const valid: [string, string | undefined][] = [
        ...([
          ["x86_64", "legacy-bios"],
          ["x86_64", "uefi"],
          ["x86_64", "uefi-preferred"],
        ] as [string, string][]),
        ...([
          ["arm64", "uefi"],
          ["arm64", undefined],
          ["x86_64", undefined],
        ] as [string, string | undefined][]),
      ];
      valid.forEach(([Architecture, BootMode], index) => {
        const mode = BootMode === undefined ? {} : { BootMode };
        cloud.call("RegisterImage", imageOf(SnapshotId, { Architecture, ...mode, Name: `image ${index}` }));
      });
      const wrong = { Architecture: "arm64", BootMode: "legacy-bios" };
      cloud.refuses("InvalidParameterCombination", "RegisterImage", imageOf(SnapshotId, wrong));
      cloud.refuses("InvalidParameterValue", "RegisterImage", imageOf(SnapshotId, { BootMode: "bios" }));
      cloud.refuses(
        "InvalidParameterValue",
        "RegisterImage",
        imageOf(SnapshotId, { Architecture: "aarch64" }),
      );
      const tpm = { TpmSupport: "v2.0", BootMode: "legacy-bios" };
      cloud.refuses("InvalidParameterCombination", "RegisterImage", imageOf(SnapshotId, tpm));
      const pv = { Architecture: "arm64", VirtualizationType: "paravirtual" };
      cloud.refuses("InvalidParameterCombination", "RegisterImage", imageOf(SnapshotId, pv));
    });

    it("wants a root device of a snapshot that exists and fits", () => {
      cloud.object = rawObject(3 * gib);
      const SnapshotId = cloud.snapshot();
      const other = imageOf(SnapshotId, { RootDeviceName: "/dev/sda1" });
      cloud.refuses("InvalidBlockDeviceMapping", "RegisterImage", other, undefined, /No root snapshot/);
      cloud.refuses("InvalidSnapshot.NotFound", "RegisterImage", imageOf("snap-0123456789abcdef0"));
      cloud.refuses("InvalidSnapshotID.Malformed", "RegisterImage", imageOf("snapshot"));
      const small = [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId, VolumeSize: 2 } }];
      const message = /Volume of size 2GB is smaller than snapshot .*, expect size >= 3GB/;
      const params = imageOf(SnapshotId, { BlockDeviceMappings: small });
      cloud.refuses("InvalidBlockDeviceMapping", "RegisterImage", params, undefined, message);
      const encrypted = [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId, Encrypted: true } }];
      cloud.refuses(
        "InvalidParameter",
        "RegisterImage",
        imageOf(SnapshotId, { BlockDeviceMappings: encrypted }),
      );
    });

    it("can't be seen at first, then is pending, then available", () => {
      Object.assign(cloud.polls, { visible: 1, register: 2 });
      const id = cloud.image();
      cloud.refuses("InvalidAMIID.NotFound", "DescribeImages", { ImageIds: [id] });
      cloud.refuses("InvalidAMIID.Unavailable", "ModifyImageAttribute", toAll(id));
      assert.equal(cloud.shown(id).State, "available");
    });
  });

  describe("CopyImage", () => {
    const copyOf = (SourceImageId: string): Params<"CopyImage"> => ({
      ...{ Name: "an image", SourceImageId, SourceRegion: "us-east-1" },
    });

    it("copies what the image is and its bytes, not its tags, grantees and deprecation", () => {
      const source = cloud.image({ BootMode: "uefi", ImdsSupport: "v2.0" });
      cloud.call("CreateTags", { Resources: [source], Tags: [{ Key: "a", Value: "b" }] });
      cloud.call("ModifyImageAttribute", toAll(source));
      const { ImageId } = cloud.call("CopyImage", copyOf(source), "eu-west-1");
      const [from, to] = [cloud.shown(source), cloud.shown(ImageId, "eu-west-1")];
      assert.equal(to.BootMode, "uefi");
      assert.equal(to.ImdsSupport, "v2.0");
      assert.equal(to.Public, false);
      assert.deepEqual(to.Tags, []);
      assert.equal(to.DeprecationTime, undefined);
      const [original, copied] = [from, to].map((image) => image.BlockDeviceMappings[0]!.Ebs.SnapshotId!);
      assert.notEqual(original, copied);
      const content = cloud.region("eu-west-1").snapshots[copied!]!.content;
      assert.deepEqual(content, cloud.region().snapshots[original!]!.content);
      assert.deepEqual(cloud.region("eu-west-1").snapshots[copied!]!.tags, {});
    });

    it("wants an available source, a region that is on and a free name", () => {
      cloud.refuses("InvalidAMIID.NotFound", "CopyImage", copyOf("ami-0123456789abcdef0"), "eu-west-1");
      const source = cloud.image();
      cloud.refuses(
        "InvalidParameterValue",
        "CopyImage",
        { ...copyOf(source), SourceRegion: "nowhere-1" },
        "eu-west-1",
      );
      cloud.refuses("InvalidAMIName.Duplicate", "CopyImage", copyOf(source), "us-east-1");
      cloud.polls.register = 5;
      const pending = cloud.image({ Name: "not yet" });
      cloud.refuses("InvalidAMIID.Unavailable", "CopyImage", copyOf(pending), "eu-west-1");
    });

    it("makes one copy for one client token, though the name is taken by it", () => {
      const source = cloud.image();
      const copies = [1, 2].map(() =>
        cloud.call("CopyImage", { ...copyOf(source), ClientToken: "t" }, "eu-west-1"),
      );
      assert.deepEqual(copies[0], copies[1]);
    });

    it("has at most 100 copies under way in a region", () => {
      const source = cloud.image();
      cloud.polls.copy = 3;
      for (let index = 0; index < 100; index += 1) {
        cloud.call("CopyImage", { ...copyOf(source), Name: `copy ${index}` }, "eu-west-1");
      }
      cloud.refuses(
        "ResourceLimitExceeded",
        "CopyImage",
        { ...copyOf(source), Name: "copy 100" },
        "eu-west-1",
      );
      assert.ok(cloud.call("CopyImage", { ...copyOf(source), Name: "copy 100" }, "eu-west-2"));
    });
  });

  describe("deletion", () => {
    it("keeps a snapshot that an image uses", () => {
      const SnapshotId = cloud.snapshot();
      const { ImageId } = cloud.call("RegisterImage", imageOf(SnapshotId));
      const message = new RegExp(`${SnapshotId} is currently in use by ${ImageId}`);
      cloud.refuses("InvalidSnapshot.InUse", "DeleteSnapshot", { SnapshotId }, undefined, message);
      cloud.call("DeregisterImage", { ImageId });
      assert.ok(cloud.region().snapshots[SnapshotId], "deregistering leaves the snapshot");
      cloud.call("DeleteSnapshot", { SnapshotId });
      cloud.refuses("InvalidSnapshot.NotFound", "DeleteSnapshot", { SnapshotId });
    });

    it("tells an image that is gone from one that never was", () => {
      const ImageId = cloud.image();
      cloud.call("DeregisterImage", { ImageId });
      cloud.refuses("InvalidAMIID.Unavailable", "DeregisterImage", { ImageId });
      cloud.refuses("InvalidAMIID.NotFound", "DeregisterImage", { ImageId: "ami-0123456789abcdef0" });
      cloud.refuses("InvalidAMIID.Malformed", "DeregisterImage", { ImageId: "image" });
    });
  });

  describe("sharing", () => {
    it("makes an image public only where blocking is off", () => {
      const id = cloud.image();
      cloud.call("EnableImageBlockPublicAccess", { ImageBlockPublicAccessState: "block-new-sharing" });
      cloud.call("GetImageBlockPublicAccessState", {});
      cloud.refuses(
        "OperationNotPermitted",
        "ModifyImageAttribute",
        toAll(id),
        undefined,
        /DisableImageBlockPublicAccess/,
      );
      cloud.call("DisableImageBlockPublicAccess", {});
      cloud.refuses("OperationNotPermitted", "ModifyImageAttribute", toAll(id));
      cloud.call("GetImageBlockPublicAccessState", {});
      cloud.call("ModifyImageAttribute", toAll(id));
      assert.equal(cloud.shown(id).Public, true);
    });

    it("has five public images in a region, more when the quota is raised, and no less when one is made private", () => {
      const ids = [1, 2, 3, 4, 5, 6].map((number) => cloud.image({ Name: `image ${number}` }));
      for (const id of ids.slice(0, 5)) cloud.call("ModifyImageAttribute", toAll(id));
      cloud.refuses(
        "ResourceLimitExceeded",
        "ModifyImageAttribute",
        toAll(ids[5]!),
        undefined,
        /your quota of 5/,
      );
      cloud.call("ModifyImageAttribute", toAll(ids[0]!));
      const Remove = [{ Group: "all" as const }];
      cloud.call("ModifyImageAttribute", { ImageId: ids[0]!, LaunchPermission: { Remove } });
      cloud.call("ModifyImageAttribute", toAll(ids[5]!));
      cloud.refuses("ResourceLimitExceeded", "ModifyImageAttribute", toAll(ids[0]!));
      const quota = { ServiceCode: "ec2", QuotaCode: "L-0E3CBAB9" };
      assert.equal(cloud.call("GetServiceQuota", quota).Quota.Value, 5);
      cloud.call("RequestServiceQuotaIncrease", { ...quota, DesiredValue: 6 });
      cloud.call("ModifyImageAttribute", toAll(ids[0]!));
    });

    it("refuses malformed grantees", () => {
      const ImageId = cloud.image();
      const add = (grantee: object): Params<"ModifyImageAttribute"> => ({
        ImageId,
        LaunchPermission: { Add: [grantee] },
      });
      cloud.refuses("InvalidAMIAttributeItemValue", "ModifyImageAttribute", add({ UserId: "1234" }));
      cloud.refuses("InvalidParameterValue", "ModifyImageAttribute", add({ Group: "everyone" }));
      cloud.refuses("InvalidParameterValue", "ModifyImageAttribute", add({ OrganizationArn: "o-1" }));
      cloud.refuses("InvalidParameterCombination", "ModifyImageAttribute", add({}));
      const OrganizationArn = "arn:aws:organizations::111122223333:organization/o-abcdefghij";
      cloud.call("ModifyImageAttribute", add({ OrganizationArn }));
      cloud.call("ModifyImageAttribute", add({ UserId: "444455556666" }));
      cloud.call("ModifyImageAttribute", add({ UserId: "444455556666" }));
      assert.equal(cloud.region().images[ImageId]?.launchPermissions.length, 2);
    });

    it("never makes what is encrypted public", () => {
      const SnapshotId = cloud.snapshot({ Encrypted: true });
      const { ImageId } = cloud.call("RegisterImage", imageOf(SnapshotId));
      cloud.refuses("OperationNotPermitted", "ModifyImageAttribute", toAll(ImageId));
      const all = { SnapshotId, CreateVolumePermission: { Add: [{ Group: "all" }] } };
      cloud.refuses("OperationNotPermitted", "ModifySnapshotAttribute", all);
    });

    it("makes a snapshot public only where blocking is off", () => {
      const SnapshotId = cloud.snapshot();
      const all = { SnapshotId, CreateVolumePermission: { Add: [{ Group: "all" }] } };
      cloud.call("EnableSnapshotBlockPublicAccess", { State: "block-new-sharing" });
      cloud.refuses("OperationNotPermitted", "ModifySnapshotAttribute", all);
      cloud.call("DisableSnapshotBlockPublicAccess", {});
      cloud.call("ModifySnapshotAttribute", all);
      const { CreateVolumePermissions } = cloud.call("DescribeSnapshotAttribute", { SnapshotId });
      assert.deepEqual(CreateVolumePermissions, [{ Group: "all" }]);
    });
  });

  describe("deprecation", () => {
    const at = (ImageId: string, DeprecateAt: string): Params<"EnableImageDeprecation"> => ({
      ImageId,
      DeprecateAt,
    });

    it("lies not in the past, at most ten years ahead, and is kept to the minute", () => {
      const id = cloud.image();
      cloud.refuses("InvalidParameterValue", "EnableImageDeprecation", at(id, "2026-11-22T00:00:00Z"));
      cloud.refuses("InvalidParameterValue", "EnableImageDeprecation", at(id, "2037-01-01T00:00:00Z"));
      cloud.refuses("InvalidParameterValue", "EnableImageDeprecation", at(id, "tomorrow"));
      cloud.call("EnableImageDeprecation", at(id, "2027-05-01T23:59:31Z"));
      assert.equal(cloud.shown(id).DeprecationTime, later("2027-05-02T00:00:00Z"));
      cloud.call("DisableImageDeprecation", { ImageId: id });
      assert.equal(cloud.shown(id).DeprecationTime, undefined);
    });

    it("of a public image is two years after its creation at most, and can't be taken away", () => {
      const id = cloud.image();
      cloud.call("ModifyImageAttribute", toAll(id));
      assert.equal(cloud.shown(id).DeprecationTime, later("2028-11-23T12:00:00Z"));
      cloud.refuses("InvalidParameterValue", "EnableImageDeprecation", at(id, "2028-11-23T12:01:00Z"));
      cloud.refuses("OperationNotPermitted", "DisableImageDeprecation", { ImageId: id });
      cloud.call("EnableImageDeprecation", at(id, "2027-01-01T00:00:00Z"));
    });
  });

  describe("parameters of images", () => {
    const put = (Value: string, more: object = {}): Params<"PutParameter"> => ({
      ...{ Name: "/alpine/latest", Type: "String", DataType: "aws:ec2:image", Value },
      ...more,
    });
    const value = (): string => cloud.call("GetParameter", { Name: "/alpine/latest" }).Parameter.Value;

    it("are taken first and validated later: a bad one never appears", () => {
      cloud.polls.parameter = 2;
      cloud.call("PutParameter", put("ami-0123456789abcdef0"));
      for (let poll = 0; poll < 5; poll += 1) {
        cloud.refuses("ParameterNotFound", "GetParameter", { Name: "/alpine/latest" });
      }
      const id = cloud.image();
      cloud.call("PutParameter", put(id));
      cloud.refuses("ParameterNotFound", "GetParameter", { Name: "/alpine/latest" });
      assert.equal(value(), id);
    });

    it("keep the old value when the new one is no image of the region", () => {
      const id = cloud.image();
      cloud.call("PutParameter", put(id));
      value();
      cloud.call("PutParameter", put("ami-0123456789abcdef0", { Overwrite: true }));
      assert.equal(value(), id);
    });

    it("aren't overwritten unless asked for, and never change their data type", () => {
      const id = cloud.image();
      cloud.call("PutParameter", put(id));
      cloud.refuses("ParameterAlreadyExists", "PutParameter", put(id));
      cloud.refuses("ValidationException", "PutParameter", put(id, { Overwrite: true, DataType: "text" }));
      cloud.refuses("ValidationException", "PutParameter", put(id, { Name: "/aws/service/x" }));
    });
  });

  it("tags what exists, with keys and values that AWS takes", () => {
    const id = cloud.image();
    const put = (Key: string, Value = "x", Resources = [id]) => ({ Resources, Tags: [{ Key, Value }] });
    cloud.call("CreateTags", put("a"));
    cloud.call("DeleteTags", put("a", "other"));
    assert.deepEqual(cloud.shown(id).Tags, [{ Key: "a", Value: "x" }]);
    cloud.call("DeleteTags", put("a"));
    assert.deepEqual(cloud.shown(id).Tags, []);
    cloud.refuses("InvalidParameterValue", "CreateTags", put("aws:a"));
    cloud.refuses("InvalidParameterValue", "CreateTags", put("a", "v".repeat(257)));
    cloud.refuses("InvalidAMIID.NotFound", "CreateTags", put("a", "x", ["ami-0123456789abcdef0"]));
    cloud.refuses("InvalidSnapshot.NotFound", "CreateTags", put("a", "x", ["snap-0123456789abcdef0"]));
    const many = Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    cloud.refuses("TagLimitExceeded", "CreateTags", { Resources: [id], Tags: many });
  });

  it("lists by owner and filters, with wildcards, and refuses filters that it doesn't know", () => {
    const id = cloud.image({ Name: "alpine-3.23-r0" });
    cloud.image({ Name: "other" });
    const named = (value: string) => ({ Owners: ["self"], Filters: [{ Name: "name", Values: [value] }] });
    assert.deepEqual(
      cloud.call("DescribeImages", named("alpine-*")).Images.map((image) => image.ImageId),
      [id],
    );
    assert.deepEqual(cloud.call("DescribeImages", named("alpine")).Images, []);
    assert.deepEqual(cloud.call("DescribeImages", { Owners: ["444455556666"] }).Images, []);
    cloud.refuses("InvalidParameterValue", "DescribeImages", { Filters: [{ Name: "nmae", Values: ["x"] }] });
  });

  it("has the default polls of a cloud that takes its time", () => {
    assert.ok(Object.values(defaultPolls).every((polls) => polls > 0));
  });
});
