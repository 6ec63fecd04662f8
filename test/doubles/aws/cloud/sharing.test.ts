/** One test per rule about existing images: sharing, time and tags. */
import assert from "node:assert/strict";
import type { Params } from "./actions.ts";
import { defaultPolls } from "./world.ts";
import { imageOf, later, TestCloud, toAll } from "./test-cloud.ts";

describe("AWS emulator: rules of sharing, time and tags", () => {
  let cloud: TestCloud;
  beforeEach(() => (cloud = new TestCloud()));

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
      Name: "/alpine/latest",
      Type: "String",
      DataType: "aws:ec2:image",
      Value,
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

  it("refuses parameters, quotas and roles that AWS refuses", () => {
    const text = { Name: "/p", Type: "String", Value: "v" };
    cloud.refuses("ParameterPatternMismatchException", "PutParameter", { ...text, AllowedPattern: "^w$" });
    cloud.call("PutParameter", text);
    const tagged = { ...text, Overwrite: true, Tags: [{ Key: "a", Value: "b" }] };
    cloud.refuses("ValidationException", "PutParameter", tagged);
    cloud.refuses("ParameterNotFound", "DeleteParameter", { Name: "/other" });
    const quota = { ServiceCode: "ec2", QuotaCode: "L-0E3CBAB9" };
    cloud.refuses("NoSuchResourceException", "GetServiceQuota", { ...quota, QuotaCode: "L-0" });
    cloud.refuses("IllegalArgumentException", "RequestServiceQuotaIncrease", { ...quota, DesiredValue: 5 });
    const role = { RoleName: "r", AssumeRolePolicyDocument: '{"Statement":[]}' };
    for (const AssumeRolePolicyDocument of ["{", '{"Statement":[{"Effect":"Maybe"}]}']) {
      cloud.refuses("MalformedPolicyDocument", "CreateRole", { ...role, AssumeRolePolicyDocument });
    }
    cloud.refuses("NoSuchEntity", "GetRole", { RoleName: "r" });
    cloud.call("CreateRole", role);
    cloud.refuses("EntityAlreadyExists", "CreateRole", role);
    const policy = { RoleName: "r", PolicyName: "p" };
    cloud.refuses("NoSuchEntity", "GetRolePolicy", policy);
    cloud.call("PutRolePolicy", { ...policy, PolicyDocument: '{"Statement":[]}' });
    cloud.refuses("DeleteConflict", "DeleteRole", { RoleName: "r" });
  });

  it("has the default polls of a cloud that takes its time", () => {
    assert.ok(Object.values(defaultPolls).every((polls) => polls > 0));
  });
});
