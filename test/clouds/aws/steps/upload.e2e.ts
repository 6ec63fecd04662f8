import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { s3Client } from "../../../../clouds/aws/api/clients.ts";
import type * as Module from "../../../../clouds/aws/steps/upload.ts";
import { testEndpoint, type TestEndpoint } from "../../../doubles/aws/test-endpoint.ts";
import { type Moto, skipWithoutMoto, startMoto } from "../../../doubles/moto.ts";
import { type Handler, type Proxy, startProxy } from "../../../doubles/proxy.ts";
import { refuse, startS3 } from "../../../doubles/s3-checksums.ts";
import { waitUntil } from "../../../helpers/processes.ts";
import { type ProjectCopy, projectCopy } from "../../../helpers/project-copy.ts";
import { artifactResult, diskResult } from "../../../helpers/results.ts";
import { rejectsWith, type ExpectedError } from "../../../helpers/errors.ts";

const region = "eu-west-1";
const bucket = "images";
const partSize = 8 * 2 ** 20;
const name = "aws_alpine-3.23.6-x86_64-uefi-tiny-r0";

describe("the aws-upload step, to moto", function () {
  this.timeout(60_000);
  let copy: ProjectCopy;
  let step: typeof Module.awsUploadStep;
  let moto: Moto;
  let s3: Proxy;
  let aws: TestEndpoint;
  let client: S3Client;
  let child: ChildProcess | undefined;
  /** What stands between the program and S3; each test may put something there. */
  let between: Handler;
  before(async function () {
    await skipWithoutMoto(this);
    copy = projectCopy();
    ({ awsUploadStep: step } = await copy.load<typeof Module>("clouds/aws/steps/upload.ts"));
    moto = await startMoto();
    s3 = await startS3(moto.url, (exchange, passOn) => between(exchange, passOn));
    aws = await testEndpoint({ objects: s3.url, kill: () => child?.kill("SIGKILL") });
    client = await s3Client({ region, emulator: true });
    between = (_, passOn) => passOn();
    const CreateBucketConfiguration = { LocationConstraint: region } as const;
    await client.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
  });
  beforeEach(() => {
    between = (_, passOn) => passOn();
    aws.cloud.breakBy([]);
    aws.cloud.takeCalls();
  });
  after(() => {
    aws?.close();
    s3?.close();
    moto?.stop();
  });

  /** A stored image of that many bytes, of which no two parts are alike. */
  function input(seed: string, bytes: number): Module.AwsUploadInput {
    const file = join("work/images/test", `${seed}-${bytes}`, `${name}.vhd`);
    const target = join(copy.root, file);
    const content = Buffer.alloc(bytes, seed);
    for (let at = 0; at < bytes; at += partSize) content.write(`part at ${at}`, at);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    const sha512 = createHash("sha512").update(content).digest("hex");
    const disk = diskResult({ file, sha512, bytes });
    return {
      region,
      bucket,
      double: true,
      owner: `alpine/test/${seed}`,
      disk,
      artifact: artifactResult({ name: `${name}.vhd`, sha512, bytes }),
    };
  }
  const contentOf = ({ disk }: Module.AwsUploadInput): Buffer => readFileSync(join(copy.root, disk!.file));
  const uploading = (image: Module.AwsUploadInput): string =>
    `upload ${image.artifact!.name} to s3://${bucket}/${keyOf(image)}`;
  const keyOf = ({ disk }: Module.AwsUploadInput): string => `${name}-${disk!.sha512.slice(0, 16)}.vhd`;

  const isThere = async (Key: string): Promise<boolean> => {
    try {
      await client.send(new HeadObjectCommand({ Bucket: bucket, Key }));
      return true;
    } catch {
      return false;
    }
  };
  const uploads = async (): Promise<string[]> =>
    ((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).map(
      ({ Key }) => Key!,
    );
  /** Numbers of the parts that S3 took since the last call. */
  const partsSent = (): number[] =>
    aws.cloud
      .takeCalls()
      .filter(({ action, outcome }) => action === "UploadPart" && outcome === "ok")
      .map(({ params }) => (params as { PartNumber: number }).PartNumber)
      .sort((a, b) => a - b);

  it("brings an image to a key of its content, whole and checked, and says where it is", async () => {
    const image = input("first", 2 * partSize + 1000);
    const { token, etag, uploaded, ...result } = await step.create(image);
    const key = keyOf(image);
    const { sha512, bytes } = image.disk!;
    assert.deepEqual(result, { region, bucket, key, sha512, bytes });
    assert.match(token, /^[0-9a-f]{16}$/);
    assert.match(etag, /-3"$/);
    assert.match(uploaded, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(partsSent(), [1, 2, 3]);
    const { Body, Metadata } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    assert.ok(Buffer.from(await Body!.transformToByteArray()).equals(contentOf(image)));
    assert.equal(Metadata?.["sha512"], sha512);
    assert.deepEqual(await uploads(), []);

    const again = await step.create(image);
    assert.deepEqual([again.key, again.etag], [key, etag]);
    assert.deepEqual(partsSent(), []);
  });

  it("goes on where a killed run stopped", async () => {
    const image = input("killed", 7 * partSize);
    // One of the first four at once is through when the sixth comes.
    aws.cloud.breakBy([{ action: "UploadPart", skip: 5, does: "kill-engine" }]);
    let flying = 0;
    between = async (_, passOn) => {
      flying += 1;
      return await passOn().finally(() => (flying -= 1));
    };
    child = spawn("node", ["scripts/step.ts", "create"], {
      cwd: copy.root,
      env: {
        ...process.env,
        ...aws.environment,
        ALPINE_STEP: "aws-upload",
        ALPINE_STEP_INPUT: JSON.stringify(image),
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    assert.deepEqual(await once(child, "exit"), [null, "SIGKILL"]);
    await waitUntil("S3 has what was sent", () => flying === 0);
    await sleep(50);
    const before = partsSent();
    assert.ok(before.length >= 1 && before.length < 7, `${before.length} parts were there`);
    assert.deepEqual(await uploads(), [keyOf(image)]);

    aws.cloud.breakBy([]);
    const { etag } = await step.create(image);
    assert.deepEqual(
      partsSent(),
      [1, 2, 3, 4, 5, 6, 7].filter((number) => !before.includes(number)),
    );
    assert.match(etag, /-7"$/);
    assert.deepEqual(await uploads(), []);
  });

  it("sends a part again that is there with another checksum", async () => {
    const image = input("spoilt", 3 * partSize);
    const target = { Bucket: bucket, Key: keyOf(image) };
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: "SHA256" }),
    );
    const content = contentOf(image);
    for (const [PartNumber, Body] of [
      [1, content.subarray(0, partSize)],
      [2, Buffer.alloc(partSize, "else")],
    ] as const) {
      const part = { PartNumber, Body, ChecksumAlgorithm: "SHA256" } as const;
      await client.send(new UploadPartCommand({ ...target, UploadId, ...part }));
    }
    aws.cloud.takeCalls();
    await step.create(image);
    assert.deepEqual(partsSent(), [2, 3]);
  });

  it("ends uploads of the image that nobody goes on with, once the image is there", async () => {
    const image = input("abandoned", 1000);
    const other = `${name}-0123456789abcdef.vhd`;
    const another = "gcp_alpine-3.23.6-x86_64-uefi-tiny-r0-0123456789abcdef.vhd";
    for (const Key of [other, another, keyOf(image)]) {
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    }
    await step.create(image);
    assert.deepEqual(await uploads(), [another]);
  });

  it("begins anew when somebody else has ended its upload", async () => {
    const image = input("overtaken", 2 * partSize);
    aws.cloud.breakBy([{ action: "UploadPart", error: { code: "NoSuchUpload", message: "no such upload" } }]);
    await step.create(image);
    assert.ok(await isThere(keyOf(image)));
  });

  it("survives S3 asking to slow down, and connections that break", async () => {
    const image = input("throttled", 2 * partSize);
    let drops = 2;
    const line = await startProxy(aws.url, async ({ query }, passOn) =>
      query.has("partNumber") && drops-- > 0 ? undefined : await passOn(),
    );
    process.env["AWS_ENDPOINT_URL"] = line.url;
    const error = { code: "SlowDown", message: "Please reduce your request rate." };
    aws.cloud.breakBy([{ action: "UploadPart", times: 2, error }]);
    await step.create(image).finally(() => {
      process.env["AWS_ENDPOINT_URL"] = aws.url;
      line.close();
    });
    assert.ok(drops <= 0);
    assert.ok(await isThere(keyOf(image)));
  });

  it("never makes an object of what was damaged on the way, or taken for something else", async () => {
    const image = input("damaged", partSize);
    between = ({ query, body }, passOn) =>
      passOn(query.has("partNumber") ? { body: Buffer.concat([body.subarray(1), body.subarray(0, 1)]) } : {});
    await rejectsWith(step.create(image), { code: "aws-data-damaged", where: uploading(image) });

    between = async ({ query }, passOn) => {
      const answer = await passOn();
      if (query.has("partNumber")) answer.headers["x-amz-checksum-sha256"] = `${"A".repeat(43)}=`;
      return answer;
    };
    const where = `s3://${bucket}/${keyOf(image)}`;
    await rejectsWith(step.create(image), { code: "aws-data-damaged", where, text: /part 1 / });

    between = async ({ method }, passOn) => {
      const answer = await passOn();
      if (method === "HEAD" && answer.status === 200) answer.headers["content-length"] = "3";
      return answer;
    };
    await rejectsWith(step.create(image), { code: "aws-data-damaged", where, text: /was removed/ });
    between = (_, passOn) => passOn();
    assert.equal(await isThere(keyOf(image)), false);
  });

  it("never writes over other content, whatever its name says", async () => {
    const image = input("taken", 1000);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(image), Body: "other" }));
    await rejectsWith(step.create(image), {
      code: "aws-object-foreign",
      where: `s3://${bucket}/${keyOf(image)}`,
      text: /\(5 bytes/,
    });
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(image) }));
    assert.equal(await Body!.transformToString(), "other");
  });

  it("says what is wrong with a bucket, a region or credentials, and what to do", async () => {
    const image = input("refused", 1000);
    const refused = (changes: Partial<Module.AwsUploadInput>, expected: ExpectedError): Promise<void> =>
      rejectsWith(step.create({ ...image, ...changes }), expected);
    const where = uploading(image);
    await refused({ bucket: "" }, { code: "aws-bucket-missing", where: "aws.bucket" });
    await refused({ bucket: "nowhere" }, { code: "aws-bucket-missing", where: / s3:\/\/nowhere\// });
    await refused({ artifact: undefined }, { code: "step-input-missing", where: undefined });

    const home = { "x-amz-bucket-region": "us-east-2" };
    between = () => Promise.resolve(refuse(301, "PermanentRedirect", "use the endpoint of the bucket", home));
    await refused({}, { code: "aws-region-wrong", where, text: / us-east-2\n.*aws\.region/ });
    between = () =>
      Promise.resolve(refuse(403, "AccessDenied", "not authorized: s3:ListBucketMultipartUploads"));
    await refused({}, { code: "aws-denied", where, text: /s3:List/ });
    between = ({ method }, passOn) =>
      method === "HEAD" ? Promise.resolve({ status: 403, headers: {}, body: "" }) : passOn();
    await refused({}, { code: "aws-denied", where, text: /status 403\n/ });
    between = (_, passOn) => passOn();
    process.env["AWS_ENDPOINT_URL"] = "http://192.0.2.1";
    await refused({}, { code: "aws-not-the-emulator", where: "192.0.2.1" }).finally(
      () => (process.env["AWS_ENDPOINT_URL"] = aws.url),
    );
  });

  it("says so when credentials run out, and then goes on", async () => {
    const image = input("expired", 6 * partSize);
    const error = { code: "ExpiredToken", message: "The provided token has expired." };
    aws.cloud.breakBy([{ action: "UploadPart", skip: 2, times: "always", error }]);
    await rejectsWith(step.create(image), { code: "aws-credentials-expired", where: uploading(image) });
    const before = partsSent();
    assert.ok(before.length > 0);
    aws.cloud.breakBy([]);
    await step.create(image);
    assert.equal(partsSent().length, 6 - before.length);
  });

  it("removes an object when its last owner gives it up, and is content when it is gone", async () => {
    const image = input("shared", 1000);
    const other = { ...image, owner: "alpine/release/shared" };
    const key = keyOf(image);
    const killed = await step.create(image);
    const mine = await step.create(image);
    const theirs = await step.create(other);
    await step.delete(image, killed);
    await step.delete(image, mine);
    assert.ok(await isThere(key));
    await step.delete(image, mine);
    assert.ok(await isThere(key));
    await step.delete(other, theirs);
    assert.equal(await isThere(key), false);
    await step.delete(other, theirs);

    const again = await step.create(image);
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    await step.delete(image, again);
  });

  it("holds a few parts in memory, however large the image is", async () => {
    const program = `
      import { readFileSync } from "node:fs";
      import { awsUploadStep } from "./clouds/aws/steps/upload.ts";
      await awsUploadStep.create(JSON.parse(process.env.INPUT));
      // Not resourceUsage(), which begins with what this test's process has.
      console.log(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);`;
    const peakMib = async (image: Module.AwsUploadInput): Promise<number> => {
      const options = { cwd: copy.root, env: { ...process.env, INPUT: JSON.stringify(image) } };
      const args = ["--input-type", "module", "-e", program];
      const run = spawn("node", args, { ...options, stdio: ["ignore", "pipe", "ignore"] });
      let text = "";
      run.stdout.on("data", (chunk) => (text += String(chunk)));
      await once(run, "close");
      return Number(text) / 1024;
    };
    const small = await peakMib(input("small", 1000));
    const large = await peakMib(input("large", 12 * partSize));
    assert.ok(small > 0 && large > 0);
    // Four parts that are sent, one that is read, and what the SDK has of them.
    assert.ok(large - small < 72, `${small} MiB for a kilobyte, ${large} for 96 MiB`);
  });

  it("fetches an image from storage that this machine has not got", async () => {
    const image = input("moved", 1000);
    const folder = join(copy.root, "storage");
    mkdirSync(folder, { recursive: true });
    const local = join(copy.root, image.disk!.file);
    writeFileSync(join(folder, `${name}.vhd`), readFileSync(local));
    writeFileSync(local, "lost");
    await step.create({ ...image, artifact: { ...image.artifact!, folder: `file://${folder}` } });
    assert.ok(existsSync(local) && (await isThere(keyOf(image))));
  });
});
