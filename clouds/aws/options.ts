/** What layers and stacks say about AWS. */
import { z } from "zod";
import type { StackSettings } from "../../src/configuration/settings.ts";
import type { Variant } from "../../src/configuration/variant.ts";

/** The layer field `aws`: how an image is imported into AWS, and what its AMI says of itself. */
export const awsOptions = z
  .strictObject({
    bootMode: z
      .enum(["legacy-bios", "uefi", "uefi-preferred"])
      .optional()
      .describe("The AMI's boot mode; left out, the one of its firmware"),
    enaSupport: z.boolean().default(true).describe("Whether it has the driver of Amazon's network card"),
    imdsSupport: z
      .enum(["v2.0", "v1.0 or v2.0"])
      .default("v2.0")
      .describe("Whether its instances ask for tokens before they tell metadata"),
    tpmSupport: z.boolean().default(false).describe("Whether its instances get a TPM; with UEFI only"),
    volumeType: z
      .enum(["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"])
      .default("gp3")
      .describe("Of its root volume"),
    shareSnapshots: z
      .boolean()
      .default(false)
      .describe("Whether who may launch it may also copy it: its snapshots are shared too"),
  })
  .describe("How it is imported into AWS");

export type AwsOptions = z.output<typeof awsOptions>;

/** A variant's options for AWS. The configuration fills them in for every image of cloud aws. */
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
      .describe("Home region: images are imported there, and copied from there; the bucket's region"),
    bucket: z.string().default("").describe("S3 bucket in the home region that images are imported from"),
    role: z.string().min(1).default("vmimport").describe("Service role that VM Import reads the bucket with"),
    importMethod: z
      .enum(["vmimport", "direct"])
      .default("vmimport")
      .describe(
        "vmimport goes through the bucket; direct writes the snapshot's blocks, without bucket and role",
      ),
    accounts: z
      .array(z.string().regex(/^\d{12}$/, { error: "expected an account's twelve digits, quoted" }))
      .default([])
      .describe("Accounts that this stack may publish to; empty for any that the credentials are of"),
    parameterPrefix: z
      .string()
      .regex(/^(\/[\w.-]+)+$/, { error: "expected a path, as /alpine" })
      .default("/alpine")
      .describe("Path of the SSM parameters that name the newest images: PREFIX/3.23/x86_64/uefi/tiny"),
    blockPublicAccess: z
      .enum(["unmanaged", "off"])
      .default("unmanaged")
      .describe(
        "off: in regions of public images, the account's block on making images public is declared to be off",
      ),
    emulator: z
      .boolean()
      .default(false)
      .describe(
        "Whether this stack's AWS is an emulator on loopback: only that takes the offline kit's images",
      ),
  })
  .describe("How images get into AWS");

export type AwsSettings = z.output<typeof awsSettingsSchema>;

/** A stack's settings for AWS. */
export const awsSettingsOf = ({ clouds }: Pick<StackSettings, "clouds">): AwsSettings =>
  clouds["aws"] as AwsSettings;
