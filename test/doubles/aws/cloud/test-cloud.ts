/** A cloud in memory, to test the cloud's rules: no files, no faults, and tests set the time. */
import assert from "node:assert/strict";
import { perform, type ActionName, type Answer, type Params } from "./actions.ts";
import { AwsError } from "./aws-error.ts";
import { regionsWithoutOptIn } from "./describe.ts";
import { newGlobal, newRegion, type Region } from "./state.ts";
import { type ObjectLookup, type World } from "./world.ts";

const now = Date.parse("2026-11-23T12:00:00Z");
export const gib = 1024 ** 3;

export function rawObject(bytes: number): ObjectLookup {
  const zeros = Buffer.alloc(512);
  return {
    bucketRegion: "us-east-1",
    found: { bucket: "images", key: "image", etag: '"e"', bytes, head: zeros, tail: zeros },
  };
}

export function vhdObject(virtualBytes: number): ObjectLookup {
  const tail = Buffer.alloc(512);
  tail.write("conectix");
  tail.writeBigUInt64BE(BigInt(virtualBytes), 48);
  const bytes = virtualBytes + 512;
  return {
    bucketRegion: "us-east-1",
    found: { bucket: "images", key: "image", etag: '"e"', bytes, head: Buffer.alloc(512), tail },
  };
}

/** A cloud in which nothing needs polls, unless a test says otherwise. */
export class TestCloud {
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
      account: "111122223333",
      regionName: region,
      now: this.now,
      polls: this.polls,
      region: this.region(region),
      global: this.global,
      object: this.object,
      enabledRegions: regionsWithoutOptIn,
      otherRegion: (name) => this.region(name),
    };
    return perform(world, action, params);
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

export const vmimportTrust = {
  Effect: "Allow",
  Principal: { Service: "vmie.amazonaws.com" },
  Action: "sts:AssumeRole",
  Condition: { StringEquals: { "sts:Externalid": "vmimport" } },
};
export const vmimportActions = [
  "s3:GetBucketLocation",
  "s3:GetObject",
  "s3:ListBucket",
  "ec2:ModifySnapshotAttribute",
  "ec2:CopySnapshot",
  "ec2:RegisterImage",
  "ec2:Describe*",
];
export const importParams = {
  DiskContainer: { Format: "RAW", UserBucket: { S3Bucket: "images", S3Key: "image" } },
};
export const imageOf = (
  SnapshotId: string,
  params: Partial<Params<"RegisterImage">> = {},
): Params<"RegisterImage"> => ({
  Name: "an image",
  Architecture: "x86_64",
  VirtualizationType: "hvm",
  RootDeviceName: "/dev/xvda",
  BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId } }],
  ...params,
});
export const toAll = (ImageId: string): Params<"ModifyImageAttribute"> => ({
  ImageId,
  LaunchPermission: { Add: [{ Group: "all" }] },
});
export const later = (iso: string): string => new Date(iso).toISOString();
