import {
  CreateBucketCommand,
  DeleteBucketCommand,
  HeadBucketCommand,
  type BucketLocationConstraint,
} from "@aws-sdk/client-s3";
import type * as aws from "@pulumi/aws";
import { s3Client } from "../object-store.ts";
import { defineResource, ProviderError, tagsProperty } from "../resource.ts";

const absent = { absent: "the emulator makes plain buckets; use the dedicated resource" } as const;
const text = { kind: "string" } as const;

/** A bucket in the S3 server that holds the objects. The emulator's own files have nothing about it. */
export const bucket = defineResource<aws.s3.BucketArgs>({
  token: "aws:s3/bucket:Bucket",
  namedBy: "bucket",
  importId: (id) => id,
  properties: {
    accelerationStatus: { ...text, ...absent },
    acl: { ...text, ...absent },
    bucket: { ...text, required: true, replaces: true },
    bucketNamespace: { ...text, ...absent },
    bucketPrefix: { ...text, ...absent },
    corsRules: { kind: "objects", ...absent },
    forceDestroy: { kind: "boolean", default: false },
    grants: { kind: "objects", ...absent },
    lifecycleRules: { kind: "objects", ...absent },
    logging: { kind: "object", ...absent },
    objectLockConfiguration: { kind: "object", ...absent },
    objectLockEnabled: { kind: "boolean", ...absent },
    policy: { ...text, ...absent },
    replicationConfiguration: { kind: "object", ...absent },
    requestPayer: { ...text, ...absent },
    serverSideEncryptionConfiguration: { kind: "object", ...absent },
    tags: { ...tagsProperty, ...absent },
    versioning: { kind: "object", ...absent },
    website: { kind: "object", ...absent },
  },
  outputs: ["arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName", "hostedZoneId", "tagsAll"],

  async create(api, inputs, setId) {
    const name = inputs.bucket ?? "";
    const LocationConstraint = api.region as BucketLocationConstraint;
    await send(
      api,
      new CreateBucketCommand({
        Bucket: name,
        ...(api.region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint } }),
      }),
    );
    setId(name);
  },

  async read(api, id) {
    try {
      await send(api, new HeadBucketCommand({ Bucket: id }));
      const arn = `arn:aws:s3:::${id}`;
      return { bucket: id, arn, bucketRegion: api.region, bucketDomainName: `${id}.s3.amazonaws.com` };
    } catch (error) {
      if (error instanceof ProviderError && ["404", "NotFound", "NoSuchBucket"].includes(error.code))
        return undefined;
      throw error;
    }
  },

  /** Fails if the bucket has objects: `BucketNotEmpty`. */
  async delete(api, id, state) {
    if (state["forceDestroy"] === true) {
      throw new ProviderError("Absent", "forceDestroy isn't in the AWS emulator: empty the bucket first");
    }
    await send(api, new DeleteBucketCommand({ Bucket: id }));
  },
});

type Command = CreateBucketCommand | DeleteBucketCommand | HeadBucketCommand;

async function send(api: { account: string; region: string }, command: Command): Promise<void> {
  const client = s3Client(api.account, api.region);
  try {
    await client.send(command);
  } catch (error) {
    const { name, message } = error as Error;
    throw new ProviderError(name, `operation error S3: api error ${name}: ${message}`);
  } finally {
    client.destroy();
  }
}
