import type * as aws from "@pulumi/aws";
import type { Unwrap } from "@pulumi/pulumi";
import { architectures, bootModes, volumeTypes, type RegisterImageParams } from "../cloud/images.ts";
import { defineResource, doing, tagsProperty } from "../resource.ts";
import {
  completeImage,
  deleteImage,
  deprecationTime,
  imageOutputs,
  readImage,
  updateImage,
} from "./image-life.ts";

const text = { kind: "string", replaces: true } as const;
const notNeeded = "no image of this project uses it";

/** The defaults are the real provider's unfortunate ones: paravirtual, no ENA, magnetic disks. */
export const ami = defineResource<aws.ec2.AmiArgs>({
  token: "aws:ec2/ami:Ami",
  namedBy: "name",
  importId: (id) => id,
  properties: {
    architecture: { ...text, default: "x86_64", values: architectures },
    bootMode: { ...text, values: bootModes },
    deprecationTime,
    description: { kind: "string" },
    ebsBlockDevices: {
      kind: "objects",
      computed: true,
      replaces: true,
      fields: {
        deleteOnTermination: { kind: "boolean", replaces: true, default: true },
        deviceName: { ...text, required: true },
        encrypted: { kind: "boolean", replaces: true, computed: true },
        iops: { kind: "number", replaces: true },
        outpostArn: { ...text, absent: notNeeded },
        snapshotId: text,
        throughput: { kind: "number", replaces: true, computed: true },
        volumeSize: { kind: "number", replaces: true, computed: true },
        volumeType: { ...text, default: "standard", values: volumeTypes },
      },
    },
    enaSupport: { kind: "boolean", replaces: true },
    ephemeralBlockDevices: { kind: "objects", absent: notNeeded },
    imageLocation: { ...text, absent: notNeeded },
    imdsSupport: { ...text, values: ["v2.0"] },
    kernelId: { ...text, absent: notNeeded },
    name: { ...text, required: true },
    ramdiskId: { ...text, absent: notNeeded },
    rootDeviceName: text,
    sriovNetSupport: { ...text, default: "simple" },
    tags: tagsProperty,
    tpmSupport: { ...text, values: ["v2.0"] },
    uefiData: text,
    virtualizationType: { ...text, default: "paravirtual", values: ["hvm", "paravirtual"] },
  },
  outputs: [...imageOutputs, "imageLocation"],

  async create(api, inputs, setId) {
    const params: RegisterImageParams = {
      Name: inputs.name ?? "",
      Description: inputs.description ?? "",
      Architecture: inputs.architecture ?? "x86_64",
      VirtualizationType: inputs.virtualizationType ?? "paravirtual",
      EnaSupport: inputs.enaSupport ?? false,
      RootDeviceName: inputs.rootDeviceName ?? "",
      ...(inputs.sriovNetSupport ? { SriovNetSupport: inputs.sriovNetSupport } : {}),
      ...(inputs.bootMode ? { BootMode: inputs.bootMode } : {}),
      ...(inputs.imdsSupport ? { ImdsSupport: inputs.imdsSupport } : {}),
      ...(inputs.tpmSupport ? { TpmSupport: inputs.tpmSupport } : {}),
      ...(inputs.uefiData ? { UefiData: inputs.uefiData } : {}),
      BlockDeviceMappings: (inputs.ebsBlockDevices ?? []).map(mapping),
    };
    const { ImageId } = await doing(`creating EC2 AMI (${inputs.name})`, () =>
      api.call("RegisterImage", params),
    );
    setId(ImageId);
    await completeImage(api, ImageId, inputs);
  },

  read: readImage,
  update: updateImage,
  delete: deleteImage,
});

type Device = Unwrap<aws.types.input.ec2.AmiEbsBlockDevice>;

function mapping(device: Device): NonNullable<RegisterImageParams["BlockDeviceMappings"]>[number] {
  return {
    DeviceName: device.deviceName,
    Ebs: {
      ...(device.snapshotId ? { SnapshotId: device.snapshotId } : { Encrypted: device.encrypted ?? false }),
      ...(device.volumeType ? { VolumeType: device.volumeType } : {}),
      ...(device.volumeSize ? { VolumeSize: device.volumeSize } : {}),
      ...(device.iops ? { Iops: device.iops } : {}),
      ...(device.throughput ? { Throughput: device.throughput } : {}),
      DeleteOnTermination: device.deleteOnTermination ?? true,
    },
  };
}
