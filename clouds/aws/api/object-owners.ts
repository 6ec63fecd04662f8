/**
 * Tracks which stacks need an object in S3. Its key names its content, so two stacks of an account can share an object:
 * each claims it with a tag `alpine:owner:WHO` that holds its token, and the last to release it removes it.
 *
 * S3 cannot change a single tag. If two stacks change claims at the same instant, a claim can be lost. That can only
 * lose an object, which a later upload restores, never an image.
 */
import { createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  PutObjectTaggingCommand,
  type S3Client,
  type Tag,
} from "@aws-sdk/client-s3";
import { codesOf } from "./errors.ts";

const prefix = "alpine:owner:";

export interface OwnedObject {
  client: S3Client;
  bucket: string;
  key: string;
  /** Who claims it: a stack and a resource. */
  owner: string;
}

/** Claims the object with a token, which `releaseObject` needs later. */
export async function claimObject(object: OwnedObject, token: string): Promise<void> {
  const others = withoutOwn(await tagsOf(object), object);
  await putTags(object, [...others, { Key: ownTag(object), Value: token }]);
}

/** What became of a released object: `removed`; `kept` for other owners; or left because it was `foreign` or `gone`. */
export type Released = "removed" | "kept" | "foreign" | "gone";

/** Releases the object if the token is still its own, and removes it if nobody else needs it. */
export async function releaseObject(object: OwnedObject, token: string): Promise<Released> {
  try {
    const tags = await tagsOf(object);
    if (tags.find(({ Key }) => Key === ownTag(object))?.Value !== token) return "foreign";
    const others = withoutOwn(tags, object);
    if (others.some(({ Key }) => Key?.startsWith(prefix))) {
      await putTags(object, others);
      return "kept";
    }
    await object.client.send(new DeleteObjectCommand({ Bucket: object.bucket, Key: object.key }));
    return "removed";
  } catch (error) {
    // Deleted by a lifecycle rule or by a person.
    if (codesOf(error).includes("404")) return "gone";
    throw error;
  }
}

function ownTag({ owner }: OwnedObject): string {
  return prefix + createHash("sha256").update(owner).digest("hex").slice(0, 16);
}

function withoutOwn(tags: readonly Tag[], object: OwnedObject): Tag[] {
  return tags.filter(({ Key }) => Key !== ownTag(object));
}

async function tagsOf({ client, bucket, key }: OwnedObject): Promise<Tag[]> {
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: key }));
  return TagSet;
}

async function putTags({ client, bucket, key }: OwnedObject, TagSet: Tag[]): Promise<void> {
  await client.send(new PutObjectTaggingCommand({ Bucket: bucket, Key: key, Tagging: { TagSet } }));
}
