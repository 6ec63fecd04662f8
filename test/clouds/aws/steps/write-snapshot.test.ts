import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type EBSClient, GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from "@aws-sdk/client-ebs";
import {
  DescribeSnapshotsCommand,
  type EC2Client,
  RegisterImageCommand,
  type Snapshot,
} from "@aws-sdk/client-ec2";
import { execaSync } from "execa";
import { ebsClient, ec2Client } from "../../../../clouds/aws/api/clients.ts";
import type * as Module from "../../../../clouds/aws/steps/write-snapshot.ts";
import { testEndpoint, type TestEndpoint } from "../../../doubles/aws/test-endpoint.ts";
import { type ProjectCopy, projectCopy } from "../../../helpers/project-copy.ts";
import { artifactResult, diskResult } from "../../../helpers/results.ts";
import { rejectsWith } from "../../../helpers/errors.ts";

const region = "eu-west-1";
const block = 512 * 1024;
/** Six MiB and a half sector's worth of a last block; three blocks hold anything. */
const disk = Buffer.alloc(13 * block + 2048);
disk.write("boot", 0);
disk.write("far", 5 * block + 70_000);
disk.write("end", disk.length - 3);
const kmsKeyId = `arn:aws:kms:${region}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`;

describe("the aws-write-snapshot step", function () {
  this.timeout(20_000);
  let copy: ProjectCopy;
  let step: typeof Module.awsSnapshotStep;
  let aws: TestEndpoint;
  let ebs: EBSClient;
  let ec2: EC2Client;
  before(async () => {
    copy = projectCopy();
    ({ awsSnapshotStep: step } = await copy.load<typeof Module>("clouds/aws/steps/write-snapshot.ts"));
  });
  beforeEach(async () => {
    aws = await testEndpoint();
    [ebs, ec2] = await Promise.all([
      ebsClient({ region, emulator: true }),
      ec2Client({ region, emulator: true }),
    ]);
  });
  afterEach(() => aws.close());

  /** A stored image of that disk. */
  function input(changes: Partial<Module.AwsSnapshotInput> = {}, extension = "vhd"): Module.AwsSnapshotInput {
    const name = `aws_alpine-3.23.6-x86_64-uefi-tiny-r0.${extension}`;
    const file = join("work/images/test", name);
    const target = join(copy.root, file);
    if (!existsSync(target)) {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(`${target}.raw`, disk);
      const format = extension === "vhd" ? ["vpc", "-o", "force_size=on"] : [extension];
      execaSync("qemu-img", ["convert", "-f", "raw", "-O", ...format, `${target}.raw`, target]);
    }
    const sha512 = createHash("sha512").update(readFileSync(target)).digest("hex");
    return {
      region,
      double: true,
      owner: "alpine/test/image",
      description: "Alpine",
      encrypted: false,
      tags: { Name: "alpine", arch: "x86_64" },
      disk: diskResult({ file, sha512 }),
      artifact: artifactResult({ name, sha512 }),
      ...changes,
    };
  }

  /** The disk of a snapshot, as a volume of it has it. */
  async function contentOf(SnapshotId: string): Promise<Buffer> {
    const { Blocks = [], VolumeSize } = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }));
    assert.equal(VolumeSize, 1);
    const content = Buffer.alloc(14 * block);
    for (const { BlockIndex, BlockToken } of Blocks) {
      const { BlockData } = await ebs.send(
        new GetSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockToken }),
      );
      content.set(await BlockData!.transformToByteArray(), BlockIndex! * block);
    }
    return content;
  }
  const snapshots = async (): Promise<Snapshot[]> =>
    (await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots ?? [];
  const puts = (): number =>
    aws.cloud.takeCalls().filter(({ action }) => action === "PutSnapshotBlock").length;
  const tagsOf = ({ Tags = [] }: Snapshot): Record<string, string> =>
    Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value]));

  for (const extension of ["vhd", "qcow2", "raw"]) {
    it(`writes the disk of a ${extension}, and none of its zeroes`, async () => {
      const result = await step.create(input({}, extension));
      assert.equal(puts(), 3);
      const { snapshotId, started, token, ...rest } = result;
      assert.deepEqual(rest, { region, volumeGib: 1, blocks: 3 });
      assert.match(started, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.ok((await contentOf(snapshotId)).subarray(0, disk.length).equals(disk));
      const [made, ...others] = await snapshots();
      assert.deepEqual([made?.State, made?.Description, made?.Encrypted], ["completed", "Alpine", false]);
      assert.deepEqual(tagsOf(made!), { Name: "alpine", arch: "x86_64", "alpine:token": token });
      assert.deepEqual(others, []);
      assert.deepEqual(readdirSync(join(copy.root, "work/tmp")), []);
    });
  }

  it("encrypts with the account's key or a given one", async () => {
    await step.create(input({ encrypted: true }));
    await step.create(input({ encrypted: true, kmsKeyId }));
    const made = await snapshots();
    assert.deepEqual(
      made.map(({ Encrypted, KmsKeyId }) => [Encrypted, KmsKeyId]),
      [
        [true, undefined],
        [true, kmsKeyId],
      ],
    );
  });

  it("sends nothing for what an earlier run has written, which does not know of it", async () => {
    const first = await step.create(input());
    aws.cloud.takeCalls();
    const again = await step.create(input());
    assert.equal(puts(), 0);
    assert.deepEqual({ ...again, started: "" }, { ...first, started: "" });
    assert.equal((await step.create(input({ owner: "another" }))).snapshotId === first.snapshotId, false);
  });

  const writing = /^write .* to a snapshot in eu-west-1$/;

  it("goes on with the snapshot of a run that failed", async () => {
    const error = { code: "ExpiredTokenException", message: "The security token is expired" };
    aws.cloud.breakBy([{ action: "PutSnapshotBlock", skip: 1, times: "always", error }]);
    await rejectsWith(step.create(input()), { code: "aws-credentials-expired", where: writing });
    const [begun] = await snapshots();
    assert.equal(begun?.State, "pending");
    aws.cloud.breakBy([]);
    const { snapshotId } = await step.create(input());
    assert.equal(snapshotId, begun?.SnapshotId);
    assert.equal((await snapshots()).length, 1);
    assert.ok((await contentOf(snapshotId)).subarray(0, disk.length).equals(disk));
  });

  it("takes over what a run has completed that did not learn of it", async () => {
    const error = { code: "AccessDeniedException", message: "too late" };
    aws.cloud.breakBy([{ action: "CompleteSnapshot", when: "after", error }]);
    writeFileSync(join(aws.cloud.folder, "settings.json"), JSON.stringify({ polls: { import: 2 } }));
    await rejectsWith(step.create(input()), { code: "aws-denied", where: writing, text: /too late/ });
    const { snapshotId, blocks } = await step.create(input());
    assert.equal(blocks, 3);
    const [made, ...others] = await snapshots();
    assert.deepEqual([made?.SnapshotId, made?.State, others], [snapshotId, "completed", []]);
  });

  it("begins another snapshot when the one of its token was deleted", async () => {
    const first = await step.create(input());
    await step.delete(input(), first);
    const { snapshotId } = await step.create(input());
    assert.notEqual(snapshotId, first.snapshotId);
    assert.ok((await contentOf(snapshotId)).subarray(0, disk.length).equals(disk));
  });

  it("tries again when EBS asks to slow down, or does not know the new snapshot yet", async () => {
    const fails = (code: string, skip: number) =>
      ({ action: "PutSnapshotBlock", skip, error: { code, message: "x" } }) as const;
    aws.cloud.breakBy([fails("RequestThrottledException", 0), fails("ResourceNotFoundException", 1)]);
    const { snapshotId } = await step.create(input());
    assert.equal(puts(), 5);
    assert.ok((await contentOf(snapshotId)).subarray(0, disk.length).equals(disk));
  });

  it("updates tags in place: those that are declared, no others", async () => {
    const result = await step.create(input());
    const tags = { Name: "another", end_of_life: "2027-11-01" };
    assert.deepEqual(await step.update(input({ tags }), result), result);
    assert.deepEqual(tagsOf((await snapshots())[0]!), { ...tags, "alpine:token": result.token });
  });

  it("deletes its own snapshot, and is content when it is gone", async () => {
    const result = await step.create(input());
    await step.delete(input(), result);
    assert.deepEqual(await snapshots(), []);
    await step.delete(input(), result);
  });

  it("leaves a snapshot alone that has another token, or an image made of it", async () => {
    const result = await step.create(input());
    await step.delete(input(), { ...result, token: "another" });
    assert.equal((await snapshots()).length, 1);
    await ec2.send(
      new RegisterImageCommand({
        Name: "alpine",
        Architecture: "x86_64",
        VirtualizationType: "hvm",
        RootDeviceName: "/dev/xvda",
        BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId: result.snapshotId } }],
      }),
    );
    await rejectsWith(step.delete(input(), result), {
      code: "aws-in-use",
      where: `delete ${result.snapshotId} in eu-west-1`,
      text: /in use by ami-/,
    });
    assert.equal((await snapshots()).length, 1);
  });

  it("says what to do where there is no stored image, or no such key", async () => {
    await rejectsWith(step.create(input({ artifact: undefined })), {
      code: "step-input-missing",
      where: undefined,
      text: /→ .*--target/,
    });
    await rejectsWith(step.create(input({ encrypted: true, kmsKeyId: "alias/mine" })), {
      code: "value-invalid",
      where: "alias/mine",
    });
    assert.deepEqual(aws.cloud.takeCalls(), []);
  });

  it("says who may not write a snapshot", async () => {
    const error = { code: "AccessDeniedException", message: "not authorized to perform: ebs:StartSnapshot" };
    aws.cloud.breakBy([{ action: "StartSnapshot", error }]);
    const text = /ebs:StartSnapshot/;
    await rejectsWith(step.create(input()), { code: "aws-denied", where: writing, text });
    assert.deepEqual(await snapshots(), []);
  });

  it("never leaves this machine where AWS has to be an emulator", async () => {
    process.env["AWS_ENDPOINT_URL"] = "http://192.0.2.1:4566";
    await rejectsWith(step.create(input()), { code: "aws-not-the-emulator", where: "192.0.2.1" });
    delete process.env["AWS_ENDPOINT_URL"];
    const where = /^\w+\.eu-west-1\.amazonaws\.com$/;
    await rejectsWith(step.create(input()), { code: "aws-not-the-emulator", where });
  });
});
