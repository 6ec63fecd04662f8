/** AWS's field in layers, and its setting in stacks. */
import { z } from "zod";
import type { StackSettings } from "../../src/configuration/settings.ts";
import type { Variant } from "../../src/configuration/variant.ts";

/** The layer field `aws`: how an image is imported into AWS, and its AMI's attributes. */
export const awsOptions = z
  .strictObject({
    bootMode: z
      .enum(["legacy-bios", "uefi", "uefi-preferred"])
      .optional()
      .describe("The AMI's boot mode; if left out, it follows from the firmware"),
    enaSupport: z
      .boolean()
      .default(true)
      .describe("Whether the image has a driver for Amazon's network card"),
    imdsSupport: z
      .enum(["v2.0", "v1.0 or v2.0"])
      .default("v2.0")
      .describe("v2.0: the metadata service of instances requires tokens"),
    tpmSupport: z.boolean().default(false).describe("Whether instances get a TPM; UEFI only"),
    volumeType: z
      .enum(["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"])
      .default("gp3")
      .describe("Type of the root volume"),
    shareSnapshots: z
      .boolean()
      .default(false)
      .describe("Whether snapshots are shared too, so that those who may launch the image may also copy it"),
  })
  .describe("How the image is imported into AWS");

export type AwsOptions = z.output<typeof awsOptions>;

/** A variant's options for AWS. The configuration sets them for every image of cloud aws. */
export function awsOptionsOf(variant: Variant & { aws?: AwsOptions }): AwsOptions {
  if (variant.aws === undefined) throw new Error(`${variant.imageKey} has no field aws`);
  return variant.aws;
}

/** The stack setting `aws`: see docs/publishing-aws.md. */
export const awsSettingsSchema = z
  .strictObject({
    region: z
      .string()
      .default("")
      .describe("Home region, where the bucket is: images are imported there, and copied to other regions"),
    bucket: z.string().default("").describe("S3 bucket in the home region that images are imported from"),
    role: z
      .string()
      .min(1)
      .default("vmimport")
      .describe("Service role with which VM Import reads the bucket"),
    importMethod: z
      .enum(["vmimport", "direct"])
      .default("vmimport")
      .describe(
        "vmimport imports from the bucket; direct writes the snapshot's blocks, and needs neither bucket nor role",
      ),
    accounts: z
      .array(z.string().regex(/^\d{12}$/, { error: "expected an account's twelve digits, quoted" }))
      .default([])
      .describe("Accounts that this stack may publish to; empty for any account"),
    parameterPrefix: z
      .string()
      .regex(/^(\/[\w.-]+)+$/, { error: "expected a path such as /alpine" })
      .default("/alpine")
      .describe("Path of the SSM parameters that name the newest images: PREFIX/3.23/x86_64/uefi/tiny"),
    blockPublicAccess: z
      .enum(["unmanaged", "off"])
      .default("unmanaged")
      .describe("off: this stack switches block public access off in the regions of public images"),
    emulator: z
      .boolean()
      .default(false)
      .describe(
        "Whether this stack uses an emulator of AWS on loopback, the only AWS that accepts the offline kit's images",
      ),
  })
  .describe("How images are published to AWS");

export type AwsSettings = z.output<typeof awsSettingsSchema>;

/** A stack's settings for AWS. */
export const awsSettingsOf = ({ clouds }: Pick<StackSettings, "clouds">): AwsSettings =>
  clouds["aws"] as AwsSettings;
