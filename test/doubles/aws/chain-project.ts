/** A tiny program that declares the whole chain of one image, in its own emulated cloud. */
import { PulumiProject } from "../../helpers/pulumi-project.ts";
import type { Region } from "./cloud/state.ts";
import { CloudFolder } from "./cloud-folder.ts";
import { doubleEnvironment } from "./install.ts";
import type { SettingsFile } from "./settings.ts";

export const account = "111122223333";
export const home = "us-east-1";
export const bucketName = "images-of-111122223333";

/** What the program reads. A test changes it between two runs. */
export interface Declared {
  key?: string;
  name?: string;
  description?: string;
  tags?: Record<string, string>;
  deprecationTime?: string;
  architecture?: string;
  /** Regions that the image is copied to. */
  copies?: string[];
  isPublic?: boolean;
  /** The image that each region's parameter names. @default the region's own image */
  parameterValue?: string;
  allowedAccountIds?: string[];
}

const program = `
import { readFileSync } from "node:fs";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const declared = JSON.parse(readFileSync("declared.json", "utf8"));
const { key, name, description, tags, deprecationTime, copies, isPublic } = declared;
const provider = new aws.Provider("aws", {
  region: "${home}",
  ...(declared.allowedAccountIds ? { allowedAccountIds: declared.allowedAccountIds } : {}),
});
const options = { provider };
const trust = { Effect: "Allow", Principal: { Service: "vmie.amazonaws.com" }, Action: "sts:AssumeRole",
  Condition: { StringEquals: { "sts:Externalid": "vmimport" } } };
const role = new aws.iam.Role("vmimport", {
  name: "vmimport", assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
}, options);
const policy = new aws.iam.RolePolicy("vmimport", {
  name: "vmimport", role: role.name,
  policy: JSON.stringify({ Version: "2012-10-17", Statement: [
    { Effect: "Allow", Action: ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"],
      Resource: ["arn:aws:s3:::${bucketName}", "arn:aws:s3:::${bucketName}/*"] },
    { Effect: "Allow", Action: ["ec2:ModifySnapshotAttribute", "ec2:CopySnapshot", "ec2:RegisterImage", "ec2:Describe*"],
      Resource: "*" },
  ] }),
}, options);
const snapshot = new aws.ebs.SnapshotImport("snapshot", {
  description: name, tags,
  diskContainer: { format: "RAW", userBucket: { s3Bucket: "${bucketName}", s3Key: key } },
}, { ...options, dependsOn: policy });
const image = new aws.ec2.Ami("${home}", {
  name, description, tags, architecture: declared.architecture, bootMode: "uefi", virtualizationType: "hvm",
  enaSupport: true, imdsSupport: "v2.0", rootDeviceName: "/dev/xvda", deprecationTime,
  ebsBlockDevices: [{ deviceName: "/dev/xvda", snapshotId: snapshot.id, volumeType: "gp3" }],
}, options);
const all: Record<string, aws.ec2.Ami | aws.ec2.AmiCopy> = { "${home}": image };
for (const region of copies) {
  all[region] = new aws.ec2.AmiCopy(region, {
    region, name, description, tags, deprecationTime, sourceAmiId: image.id, sourceAmiRegion: "${home}",
  }, options);
}
export const images: Record<string, pulumi.Output<string>> = {};
for (const [region, { id }] of Object.entries(all)) {
  const public_ = isPublic
    ? [new aws.ec2.AmiLaunchPermission(\`\${region}-public\`, { region, imageId: id, group: "all" }, options)]
    : [];
  new aws.ssm.Parameter(\`\${region}-channel\`, {
    region, name: "/alpine/latest", type: "String", dataType: "aws:ec2:image",
    value: declared.parameterValue ?? id,
  }, { ...options, dependsOn: public_ });
  images[region] = id;
}
`;

export class ChainProject extends PulumiProject {
  public readonly cloud: CloudFolder;
  public declared: Required<Omit<Declared, "parameterValue" | "allowedAccountIds">> & Declared = {
    key: "image.raw",
    name: "alpine-3.23.6-x86_64-uefi-tiny-r0",
    description: "Alpine",
    isPublic: true,
    tags: { release: "3.23.6" },
    deprecationTime: "2028-01-01T00:00:00Z",
    architecture: "x86_64",
    copies: ["eu-west-1", "ap-northeast-1"],
  };

  /** @param objects where S3 is */
  public constructor(objects: string, settings: SettingsFile = {}) {
    super(program);
    this.cloud = new CloudFolder(this.path("cloud"), settings);
    const { folder } = this.cloud;
    const environment = doubleEnvironment(this.environment, { folder, account, objects });
    for (const name of Object.keys(this.environment)) delete this.environment[name];
    Object.assign(this.environment, environment);
    this.declare({});
  }

  // Not `public`: in `public declare(`, Node 24 strips the wrong word.
  declare(changes: Declared): void {
    Object.assign(this.declared, changes);
    this.write("declared.json", JSON.stringify(this.declared));
  }

  public region(name: string): Region {
    return this.cloud.region(account, name);
  }
}
