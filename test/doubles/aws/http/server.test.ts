/** Tests the emulator over HTTP with the official clients. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import {
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeregisterImageCommand,
  DescribeImageAttributeCommand,
  DescribeImagesCommand,
  DescribeImportSnapshotTasksCommand,
  DescribeRegionsCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import { GetRoleCommand, IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { temporaryFolder } from "../../../helpers/temporary.ts";
import { newGlobal, newRegion, type Image, type Region } from "../cloud/state.ts";
import { transaction } from "../store.ts";
import { serveCloud } from "./server.ts";

const account = "111122223333";
const region = "eu-west-1";
const imageId = "ami-0123456789abcdef0";
const snapshotId = "snap-0123456789abcdef0";

const image: Image = {
  imageId,
  name: "alpine <3.23> & more",
  description: "",
  hiddenPolls: 0,
  polls: 0,
  architecture: "arm64",
  creationDate: "2026-11-23T12:00:00.000Z",
  bootMode: "uefi",
  virtualizationType: "hvm",
  enaSupport: true,
  rootDeviceName: "/dev/xvda",
  launchPermissions: [{ Group: "all" }],
  tags: { release: "3.23.6" },
  blockDevices: [
    {
      deviceName: "/dev/xvda",
      snapshotId,
      volumeType: "gp3",
      volumeSize: 2,
      deleteOnTermination: true,
      encrypted: false,
    },
  ],
};

describe("AWS emulator: over HTTP", () => {
  let folder: string;
  let server: Server;
  let ec2: EC2Client;
  let settings: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };

  before(async () => {
    folder = temporaryFolder();
    await transaction<Region, void>(join(folder, account, `${region}.json`), newRegion, (content) => {
      content.images[imageId] = structuredClone(image);
      content.snapshots[snapshotId] = {
        snapshotId,
        description: "d",
        polls: 0,
        volumeSizeGib: 2,
        encrypted: false,
        sharedWith: [],
        tags: { release: "3.23.6" },
        startTime: "2026-11-23T12:00:00.000Z",
      };
      content.importTasks["import-snap-1"] = {
        importTaskId: "import-snap-1",
        description: "d",
        format: "VHD",
        polls: 0,
        tags: {},
        snapshotId,
        content: { bucket: "b", key: "k" },
      };
      content.parameters["/latest"] = {
        name: "/latest",
        type: "String",
        dataType: "aws:ec2:image",
        tier: "Standard",
        tags: {},
        value: imageId,
        version: 3,
      };
    });
    await transaction(join(folder, account, "global.json"), newGlobal, ({ roles }) => {
      const allow = { Effect: "Allow", Action: "s3:Get*", Resource: "arn:aws:s3:::b/*" };
      roles["vmimport"] = {
        name: "vmimport",
        path: "/",
        assumeRolePolicy: '{"Statement":[]}',
        maxSessionDuration: 3600,
        policies: { p: JSON.stringify({ Statement: [allow] }) },
        tags: { a: "b" },
        createDate: "2026-11-23T12:00:00.000Z",
      };
    });
    const served = await serveCloud(folder);
    server = served.server;
    settings = { endpoint: served.url, region, credentials: { accessKeyId: account, secretAccessKey: "x" } };
    ec2 = new EC2Client(settings);
  });
  after(() => {
    ec2.destroy();
    server.close();
  });

  const failsWith = async (name: string, work: Promise<unknown>): Promise<void> => {
    await assert.rejects(
      work,
      (error: Error) => error.name === name || assert.fail(`${error.name}: ${error.message}`),
    );
  };

  it("shows images, by id and by filter, as the provider sees them", async () => {
    const filters = [{ Name: "tag:release", Values: ["3.23.*"] }];
    for (const input of [{ ImageIds: [imageId] }, { Owners: ["self"], Filters: filters }]) {
      const { Images = [] } = await ec2.send(new DescribeImagesCommand(input));
      assert.equal(Images.length, 1);
      const [shown] = Images;
      assert.equal(shown?.Name, image.name);
      assert.equal(shown?.State, "available");
      assert.equal(shown?.Public, true);
      assert.equal(shown?.OwnerId, account);
      assert.equal(shown?.BootMode, "uefi");
      assert.deepEqual(shown?.Tags, [{ Key: "release", Value: "3.23.6" }]);
      const ebs = shown?.BlockDeviceMappings?.[0]?.Ebs;
      assert.deepEqual([ebs?.SnapshotId, ebs?.VolumeSize, ebs?.DeleteOnTermination], [snapshotId, 2, true]);
    }
    const attribute = { ImageId: imageId, Attribute: "launchPermission" as const };
    const { LaunchPermissions } = await ec2.send(new DescribeImageAttributeCommand(attribute));
    assert.deepEqual(LaunchPermissions, [{ Group: "all" }]);
    await failsWith(
      "InvalidAMIID.NotFound",
      ec2.send(new DescribeImagesCommand({ ImageIds: ["ami-00000000"] })),
    );
  });

  it("makes a snapshot public, and private again", async () => {
    const share = async (OperationType: "add" | "remove"): Promise<unknown> => {
      const names = { SnapshotId: snapshotId, Attribute: "createVolumePermission" as const };
      await ec2.send(new ModifySnapshotAttributeCommand({ ...names, OperationType, GroupNames: ["all"] }));
      return (await ec2.send(new DescribeSnapshotAttributeCommand(names))).CreateVolumePermissions ?? [];
    };
    assert.deepEqual(await share("add"), [{ Group: "all" }]);
    assert.deepEqual(await share("remove"), []);
  });

  it("tags and shares, which has no answer", async () => {
    const tag = { Resources: [snapshotId], Tags: [{ Key: "a", Value: "b" }] };
    const tags = async () =>
      (await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }))).Snapshots?.[0]?.Tags;
    await ec2.send(new CreateTagsCommand(tag));
    assert.deepEqual((await tags())?.at(-1), { Key: "a", Value: "b" });
    await ec2.send(new DeleteTagsCommand(tag));
    assert.equal((await tags())?.length, 1);
    const LaunchPermission = { Add: [{ UserId: "444455556666" }] };
    await ec2.send(new ModifyImageAttributeCommand({ ImageId: imageId, LaunchPermission }));
    await ec2.send(
      new ModifyImageAttributeCommand({
        ImageId: imageId,
        LaunchPermission: { Remove: LaunchPermission.Add },
      }),
    );
  });

  it("lists snapshots and import tasks", async () => {
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
    assert.deepEqual(
      Snapshots.map((one) => [one.SnapshotId, one.State, one.VolumeSize]),
      [[snapshotId, "completed", 2]],
    );
    assert.deepEqual(Snapshots[0]?.StartTime, new Date("2026-11-23T12:00:00Z"));
    const { ImportSnapshotTasks = [] } = await ec2.send(new DescribeImportSnapshotTasksCommand({}));
    const detail = ImportSnapshotTasks[0]?.SnapshotTaskDetail;
    assert.deepEqual(
      [detail?.Status, detail?.SnapshotId, detail?.UserBucket?.S3Key],
      ["completed", snapshotId, "k"],
    );
  });

  it("says which regions are on, and knows nobody where one is off", async () => {
    const { Regions = [] } = await ec2.send(new DescribeRegionsCommand({ AllRegions: true }));
    const status = (name: string) => Regions.find(({ RegionName }) => RegionName === name)?.OptInStatus;
    assert.equal(status("us-east-1"), "opt-in-not-required");
    assert.equal(status("ap-east-1"), "not-opted-in");
    const there = new EC2Client({ ...settings, region: "ap-east-1" });
    await failsWith("AuthFailure", there.send(new DescribeImagesCommand({})));
    there.destroy();
  });

  it("answers for STS, SSM and Service Quotas", async () => {
    const sts = new STSClient(settings);
    assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, account);
    const ssm = new SSMClient(settings);
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: "/latest" }));
    assert.deepEqual(
      [Parameter?.Value, Parameter?.Version, Parameter?.DataType],
      [imageId, 3, "aws:ec2:image"],
    );
    await failsWith("ParameterNotFound", ssm.send(new GetParameterCommand({ Name: "/other" })));
    const quotas = new ServiceQuotasClient(settings);
    const code = { ServiceCode: "ec2", QuotaCode: "L-0E3CBAB9" };
    assert.equal((await quotas.send(new GetServiceQuotaCommand(code))).Quota?.Value, 5);
    for (const client of [sts, ssm, quotas]) client.destroy();
  });

  it("shows roles, and what their policies allow", async () => {
    const iam = new IAMClient(settings);
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: "vmimport" }));
    assert.equal(Role?.Arn, `arn:aws:iam::${account}:role/vmimport`);
    assert.equal(decodeURIComponent(Role.AssumeRolePolicyDocument ?? ""), '{"Statement":[]}');
    assert.deepEqual(Role.Tags, [{ Key: "a", Value: "b" }]);
    const { EvaluationResults = [] } = await iam.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: Role.Arn,
        ActionNames: ["s3:GetObject", "s3:PutObject"],
        ResourceArns: ["arn:aws:s3:::b/k"],
      }),
    );
    assert.deepEqual(
      EvaluationResults.map(({ EvalActionName, EvalDecision }) => [EvalActionName, EvalDecision]),
      [
        ["s3:GetObject", "allowed"],
        ["s3:PutObject", "implicitDeny"],
      ],
    );
    await failsWith("NoSuchEntityException", iam.send(new GetRoleCommand({ RoleName: "other" })));
    iam.destroy();
  });

  it("takes no credentials that may be real, and writes none down", async () => {
    const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "secret" };
    const real = new EC2Client({ ...settings, credentials });
    await failsWith("AuthFailure", real.send(new DescribeImagesCommand({})));
    real.destroy();
    assert.doesNotMatch(readFileSync(join(folder, "calls.jsonl"), "utf8"), /AKIA|secret/);
  });

  it("takes images and snapshots away for recover, in the order that EC2 wants", async () => {
    const remove = new DeleteSnapshotCommand({ SnapshotId: snapshotId });
    await failsWith("InvalidSnapshot.InUse", ec2.send(remove));
    await ec2.send(new DeregisterImageCommand({ ImageId: imageId }));
    await ec2.send(remove);
    assert.deepEqual(
      (await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots ?? [],
      [],
    );
  });
});
