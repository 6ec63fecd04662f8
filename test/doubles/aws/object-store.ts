/** Looks up objects with the S3 protocol in the server that holds them: moto, or any other on loopback. */
import { GetObjectCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import type { ObjectLookup } from "./cloud/world.ts";

const footerBytes = 512;

/** The variable with the plugin's S3 server. The program's own calls need not go there directly. */
export const objectsVariable = "AWS_DOUBLE_OBJECTS";

/** Refuses a server that is not on this machine, so that tests never leave it. */
export function loopbackEndpoint(url = process.env[objectsVariable]): string {
  if (url === undefined)
    throw new Error(`the AWS emulator looks up objects at ${objectsVariable}, which is not set`);
  const host = new URL(url).hostname;
  if (["127.0.0.1", "localhost", "[::1]"].includes(host)) return url;
  throw new Error(`the AWS emulator looks up objects only on loopback, not at ${host}`);
}

export function s3Client(account: string, region: string, url?: string): S3Client {
  return new S3Client({
    region,
    endpoint: loopbackEndpoint(url),
    forcePathStyle: true,
    credentials: { accessKeyId: account, secretAccessKey: "double" },
  });
}

export async function findObject(
  account: string,
  region: string,
  bucket: string,
  key: string,
  url?: string,
): Promise<ObjectLookup> {
  const client = s3Client(account, region, url);
  try {
    const { BucketRegion } = await client.send(new HeadBucketCommand({ Bucket: bucket }));
    const bucketRegion = BucketRegion ?? region;
    const read = async (range: string) => {
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }));
      const total = Number(answer.ContentRange?.split("/")[1] ?? answer.ContentLength);
      const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
      return { bytes, total, etag: answer.ETag ?? "" };
    };
    const start = await read(`bytes=0-${footerBytes - 1}`);
    const end = await read(`bytes=-${footerBytes}`);
    const found = { bucket, key, etag: start.etag, bytes: start.total, head: start.bytes, tail: end.bytes };
    return { found, bucketRegion };
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === 404) return { failure: "404 Not Found" };
    if (status === 403) return { failure: "403 Forbidden" };
    throw error;
  } finally {
    client.destroy();
  }
}
