import type * as aws from "@pulumi/aws";
import { defineResource, doing, isMissing, type Api } from "../resource.ts";

const text = { kind: "string", replaces: true, required: true } as const;

/** One tag of an image or a snapshot, for what a copy makes and no other resource tags. */
export const tag = defineResource<aws.ec2.TagArgs>({
  token: "aws:ec2/tag:Tag",
  properties: { key: text, resourceId: text, value: { kind: "string", required: true } },
  outputs: [],
  importId: (id) => id,

  async create(api, { key, resourceId, value }, setId) {
    await put(api, resourceId, key, value);
    setId(`${resourceId},${key}`);
  },

  async read(api, id) {
    const { resourceId, key } = parse(id);
    try {
      const tags = resourceId.startsWith("snap-")
        ? (await api.call("DescribeSnapshots", { SnapshotIds: [resourceId] })).Snapshots[0]?.Tags
        : (await api.call("DescribeImages", { ImageIds: [resourceId] })).Images[0]?.Tags;
      const value = tags?.find(({ Key }) => Key === key)?.Value;
      return value === undefined ? undefined : { resourceId, key, value };
    } catch (error) {
      if (isMissing(error, "InvalidSnapshot.NotFound", "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")) {
        return undefined;
      }
      throw error;
    }
  },

  async update(api, _id, _olds, { key, resourceId, value }) {
    await put(api, resourceId, key, value);
  },

  async delete(api, id) {
    const { resourceId, key } = parse(id);
    try {
      await doing(`deleting EC2 resource (${resourceId}) tag (${key})`, () =>
        api.call("DeleteTags", { Resources: [resourceId], Tags: [{ Key: key }] }),
      );
    } catch (error) {
      if (!isMissing(error, "InvalidSnapshot.NotFound", "InvalidAMIID.NotFound")) throw error;
    }
  },
});

async function put(api: Api, resourceId: string, key: string, value: string): Promise<void> {
  await doing(`creating EC2 resource (${resourceId}) tag (${key})`, () =>
    api.call("CreateTags", { Resources: [resourceId], Tags: [{ Key: key, Value: value }] }),
  );
}

function parse(id: string): { resourceId: string; key: string } {
  const comma = id.indexOf(",");
  if (comma < 0) throw new Error(`invalid resource identifier (${id}): expected ID,KEY`);
  return { resourceId: id.slice(0, comma), key: id.slice(comma + 1) };
}
