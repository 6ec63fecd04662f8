import type * as aws from "@pulumi/aws";
import { defineResource, doing, tagsProperty } from "../resource.ts";
import { newToken } from "../token.ts";
import {
  completeImage,
  deleteImage,
  deprecationTime,
  imageOutputs,
  readImage,
  updateImage,
} from "./image-life.ts";

const text = { kind: "string", replaces: true } as const;

/** Copies to `region`. The resource owns the copy's snapshots, and deletes them with it. */
export const amiCopy = defineResource<aws.ec2.AmiCopyArgs>({
  token: "aws:ec2/amiCopy:AmiCopy",
  namedBy: "name",
  properties: {
    deprecationTime,
    description: { kind: "string" },
    destinationOutpostArn: { kind: "string", absent: "no image of this project uses it" },
    ebsBlockDevices: { kind: "objects", absent: "it is what the source has" },
    encrypted: { kind: "boolean", replaces: true, default: false },
    ephemeralBlockDevices: { kind: "objects", absent: "it is what the source has" },
    kmsKeyId: { ...text, computed: true },
    name: { ...text, required: true },
    sourceAmiId: { ...text, required: true },
    sourceAmiRegion: { ...text, required: true },
    tags: tagsProperty,
  },
  outputs: [
    ...imageOutputs,
    "architecture",
    "bootMode",
    "ebsBlockDevices",
    "enaSupport",
    "imageLocation",
    "imdsSupport",
    "kernelId",
    "ramdiskId",
    "rootDeviceName",
    "sriovNetSupport",
    "tpmSupport",
    "uefiData",
    "virtualizationType",
  ],

  async create(api, inputs, setId) {
    const doingWhat = `creating EC2 AMI (${inputs.name}) from source EC2 AMI (${inputs.sourceAmiId})`;
    const { ImageId } = await doing(doingWhat, () =>
      api.call("CopyImage", {
        ClientToken: newToken(),
        Description: inputs.description ?? "",
        Encrypted: inputs.encrypted ?? false,
        ...(inputs.kmsKeyId ? { KmsKeyId: inputs.kmsKeyId } : {}),
        Name: inputs.name ?? "",
        SourceImageId: inputs.sourceAmiId,
        SourceRegion: inputs.sourceAmiRegion,
      }),
    );
    setId(ImageId);
    await completeImage(api, ImageId, inputs);
    // This cannot be read back, so an adopted copy leaves its snapshots behind.
    return { manageEbsSnapshots: true };
  },

  read: readImage,
  update: updateImage,
  delete: deleteImage,
});
