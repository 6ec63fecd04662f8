/**
 * Whose an object is. Its key names its content, so two stacks of one account can come to the same object: each writes a tag
 * `alpine:owner:WHO` with its token, and the last one to go removes the object.
 *
 * S3 has no way to change one tag alone. Two stacks that come and go within the same instant could lose a claim; what is lost
 * then is an object that a later upload brings again, never an image.
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

/** Says that the object is needed here, by a token of which a later release has to know. */
export async function claimObject(object: OwnedObject, token: string): Promise<void> {
  const others = withoutOwn(await tagsOf(object), object);
  await putTags(object, [...others, { Key: ownTag(object), Value: token }]);
}

/** What became of an object that was given up: `kept` for other owners, or was `foreign` or `gone` before. */
export type Released = "removed" | "kept" | "foreign" | "gone";

/** Gives the object up, if the token is still its own, and removes it where nobody else needs it. */
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
    // By a lifecycle rule, or by a person.
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
