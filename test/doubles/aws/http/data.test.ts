/** Tests data over the emulator's HTTP interface: snapshots written block by block, and S3 behind it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  CompleteSnapshotCommand,
  EBSClient,
  GetSnapshotBlockCommand,
  ListSnapshotBlocksCommand,
  PutSnapshotBlockCommand,
  StartSnapshotCommand,
} from "@aws-sdk/client-ebs";
import {
  DescribeSnapshotsCommand,
  EC2Client,
  RegisterImageCommand,
  type RegisterImageRequest,
} from "@aws-sdk/client-ec2";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { temporaryFolder } from "../../../helpers/temporary.ts";
import type { CallRecord } from "../cloud.ts";
import { planFile, type Fault, type FaultPlan } from "../faults.ts";
import { serveCloud } from "./server.ts";

const account = "111122223333";
const region = "eu-west-1";
const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

describe("AWS emulator: bytes over HTTP", () => {
  let folder: string;
  let server: Server;
  let objects: Server;
  const stored = new Map<string, Buffer>();
  const killed: Fault[] = [];
  let settings: {
    endpoint: string;
    region: string;
    maxAttempts: number;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };

  before(async () => {
    folder = temporaryFolder();
    writeFileSync(join(folder, "settings.json"), JSON.stringify({ polls: { register: 0, visible: 0 } }));
    // As little of S3 as it takes to see what is passed on.
    objects = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const key = request.url!.split("?")[0]!;
        if (request.method === "PUT") stored.set(key, Buffer.concat(chunks));
        const found = stored.get(key);
        if (found !== undefined) response.end(request.method === "PUT" ? "" : found);
        else response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
      });
    });
    await new Promise<void>((listening) => objects.listen(0, "127.0.0.1", listening));
    const behind = `http://127.0.0.1:${(objects.address() as AddressInfo).port}`;
    const served = await serveCloud(folder, { objects: behind, kill: (fault) => killed.push(fault) });
    server = served.server;
    const credentials = { accessKeyId: account, secretAccessKey: "x" };
    settings = { endpoint: served.url, region, maxAttempts: 1, credentials };
  });
  after(() => {
    for (const one of [server, objects]) {
      one.closeAllConnections();
      one.close();
    }
  });
  afterEach(() => breakBy([]));

  const breakBy = (plan: FaultPlan): void => writeFileSync(join(folder, planFile), JSON.stringify(plan));
  const failsWith = (name: string, work: Promise<unknown>): Promise<void> => assert.rejects(work, { name });

  describe("EBS direct", () => {
    let ebs: EBSClient;
    let ec2: EC2Client;
    let SnapshotId: string;
    const blocks = new Map([3, 0].map((index) => [index, Buffer.alloc(524_288, index + 1)]));
    before(() => {
      ebs = new EBSClient(settings);
      ec2 = new EC2Client(settings);
    });
    after(() => [ebs, ec2].forEach((client) => client.destroy()));

    const put = (BlockIndex: number, BlockData: Buffer, Checksum = sha256(BlockData).toString("base64")) =>
      ebs.send(
        new PutSnapshotBlockCommand({
          SnapshotId,
          BlockIndex,
          BlockData,
          DataLength: BlockData.length,
          Checksum,
          ChecksumAlgorithm: "SHA256",
        }),
      );
    const complete = (ChangedBlocksCount: number, digests: Buffer[]) =>
      ebs.send(
        new CompleteSnapshotCommand({
          SnapshotId,
          ChangedBlocksCount,
          ChecksumAlgorithm: "SHA256",
          Checksum: sha256(Buffer.concat(digests)).toString("base64"),
          ChecksumAggregationMethod: "LINEAR",
        }),
      );
    const image = (): RegisterImageRequest => ({
      Name: "direct",
      Architecture: "arm64",
      VirtualizationType: "hvm",
      RootDeviceName: "/dev/xvda",
      BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId } }],
    });

    it("begins a snapshot once for a token, with its tags", async () => {
      const Tags = [{ Key: "release", Value: "3.23.6" }];
      const params = { VolumeSize: 1, ClientToken: "one", Description: "d", Tags };
      const started = await ebs.send(new StartSnapshotCommand(params));
      assert.deepEqual([started.Status, started.BlockSize], ["pending", 524_288]);
      SnapshotId = started.SnapshotId!;
      assert.equal((await ebs.send(new StartSnapshotCommand(params))).SnapshotId, SnapshotId);
      await failsWith("ConflictException", ebs.send(new StartSnapshotCommand({ ...params, VolumeSize: 2 })));
      const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
      assert.deepEqual([Snapshots[0]?.State, Snapshots[0]?.Tags], ["pending", Tags]);
    });

    it("takes blocks of the right size, place and checksum", async () => {
      for (const [index, data] of blocks) await put(index, data);
      const data = blocks.get(0)!;
      await failsWith("ValidationException", put(2048, data));
      await failsWith("ValidationException", put(1, data.subarray(1)));
      await failsWith("ValidationException", put(1, data, sha256(Buffer.from("other")).toString("base64")));
      await failsWith("IncorrectState", ec2.send(new RegisterImageCommand(image())));
    });

    it("is complete when number and checksum of the blocks are right, and then an image's", async () => {
      const digests = [0, 3].map((index) => sha256(blocks.get(index)!));
      await failsWith("ValidationException", complete(3, digests));
      await failsWith("ValidationException", complete(2, digests.reverse()));
      await complete(2, digests.reverse());
      await failsWith("ValidationException", put(1, blocks.get(0)!));
      const state = async () =>
        (await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }))).Snapshots?.[0]?.State;
      assert.equal(await state(), "pending");
      for (let polls = 0; polls < 3; polls += 1) await state();
      assert.equal(await state(), "completed");
      assert.match((await ec2.send(new RegisterImageCommand(image()))).ImageId ?? "", /^ami-/);
    });

    it("reads back what was written", async () => {
      const { Blocks = [], VolumeSize } = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }));
      assert.equal(VolumeSize, 1);
      assert.deepEqual(
        Blocks.map(({ BlockIndex }) => BlockIndex),
        [0, 3],
      );
      const { BlockIndex, BlockToken } = Blocks[1]!;
      const found = await ebs.send(new GetSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockToken }));
      const bytes = Buffer.from(await found.BlockData!.transformToByteArray());
      assert.ok(bytes.equals(blocks.get(3)!));
      assert.equal(found.Checksum, sha256(bytes).toString("base64"));
      const none = { SnapshotId: "snap-00000000", BlockIndex: 0, BlockToken: "x" };
      await failsWith("ResourceNotFoundException", ebs.send(new GetSnapshotBlockCommand(none)));
    });
  });

  describe("S3", () => {
    let s3: S3Client;
    before(() => (s3 = new S3Client({ ...settings, forcePathStyle: true })));
    after(() => s3.destroy());
    const store = (Key: string) => s3.send(new PutObjectCommand({ Bucket: "b", Key, Body: "content" }));

    it("is what the server behind says, good or bad, and written down", async () => {
      await store("one");
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: "b", Key: "one" }));
      assert.match((await Body?.transformToString()) ?? "", /content/);
      await failsWith("NoSuchKey", s3.send(new GetObjectCommand({ Bucket: "b", Key: "none" })));
      await failsWith("NotFound", s3.send(new HeadObjectCommand({ Bucket: "b", Key: "none" })));
      const lines = readFileSync(join(folder, "calls.jsonl"), "utf8").trimEnd().split("\n").slice(-4);
      assert.deepEqual(
        lines.map((line) => JSON.parse(line) as CallRecord).map((call) => [call.action, call.outcome]),
        [
          ["PutObject", "ok"],
          ["GetObject", "ok"],
          ["GetObject", "NoSuchKey"],
          ["HeadObject", "404"],
        ],
      );
    });

    it("fails before or after the effect, by plan", async () => {
      breakBy([
        { action: "PutObject", parameters: "before" },
        { action: "PutObject", parameters: "after", when: "after" },
      ]);
      await failsWith("InjectedFault", store("before"));
      await failsWith("InjectedFault", store("after"));
      assert.deepEqual(
        ["/b/before", "/b/after"].map((key) => stored.has(key)),
        [false, true],
      );
    });

    it("tells who started it whom to kill, and answers no more", async () => {
      breakBy([{ action: "PutObject", when: "after", does: "kill-engine" }]);
      const abort = new AbortController();
      const put = new PutObjectCommand({ Bucket: "b", Key: "killed", Body: "content" });
      const call = s3.send(put, { abortSignal: abort.signal });
      while (killed.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      abort.abort();
      await failsWith("AbortError", call);
      assert.equal(killed[0]?.does, "kill-engine");
      assert.ok(stored.has("/b/killed"));
    });
  });
});
