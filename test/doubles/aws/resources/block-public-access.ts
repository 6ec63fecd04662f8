/** Block public access for images and for snapshots, one of each per region. */
import type * as aws from "@pulumi/aws";
import { defineResource, doing, poll, type Api } from "../resource.ts";

/** As in the real provider, deleting it changes nothing in the cloud. */
export const imageBlockPublicAccess = defineResource<aws.ec2.ImageBlockPublicAccessArgs>({
  token: "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess",
  properties: {
    state: { kind: "string", required: true, values: ["block-new-sharing", "unblocked"] },
  },
  outputs: [],

  async create(api, inputs, setId) {
    setId(api.account);
    await putImages(api, inputs.state);
  },
  async read(api) {
    const { ImageBlockPublicAccessState: state } = await api.call("GetImageBlockPublicAccessState", {});
    return { state };
  },
  async update(api, _id, _olds, news) {
    await putImages(api, news.state);
  },
  async delete() {},
});

async function putImages(api: Api, state: string): Promise<void> {
  await doing(`setting EC2 Image Block Public Access (${state})`, () =>
    state === "unblocked"
      ? api.call("DisableImageBlockPublicAccess", {})
      : api.call("EnableImageBlockPublicAccess", { ImageBlockPublicAccessState: state }),
  );
  await poll(`waiting for EC2 Image Block Public Access state (${state})`, async () => {
    const now = await api.call("GetImageBlockPublicAccessState", {});
    return now.ImageBlockPublicAccessState === state ? now : undefined;
  });
}

/** As in the real provider, deleting it stops the blocking. */
export const snapshotBlockPublicAccess = defineResource<aws.ebs.SnapshotBlockPublicAccessArgs>({
  token: "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess",
  properties: {
    state: {
      kind: "string",
      required: true,
      values: ["block-all-sharing", "block-new-sharing", "unblocked"],
    },
  },
  outputs: [],
  importId: (id) => id,

  async create(api, inputs, setId) {
    await putSnapshots(api, inputs.state);
    setId(api.region);
  },
  async read(api) {
    const { State: state } = await api.call("GetSnapshotBlockPublicAccessState", {});
    return { state };
  },
  async update(api, _id, _olds, news) {
    await putSnapshots(api, news.state);
  },
  async delete(api) {
    await api.call("DisableSnapshotBlockPublicAccess", {});
  },
});

async function putSnapshots(api: Api, state: string): Promise<void> {
  await doing(`enabling EBS Snapshot Block Public Access (${state})`, () =>
    state === "unblocked"
      ? api.call("DisableSnapshotBlockPublicAccess", {})
      : api.call("EnableSnapshotBlockPublicAccess", { State: state }),
  );
}
