/** Finds what keeps an image from being imported into AWS or published there, from its variant and the stack's settings alone. */
import type { StackSettings } from "../../src/configuration/settings.ts";
import { type DeclaredImage, isAtLeast, type Stage } from "../../src/configuration/variant.ts";
import type { StageProblem } from "../cloud.ts";
import { type AwsSettings, awsSettingsOf } from "./options.ts";
import { granteeOf, grantees, isPublic } from "./rules.ts";

/**
 * All problems in settings and configuration that keep an image from being brought to a stage on AWS.
 * @param stage import or later
 */
export function validate(image: DeclaredImage, stage: Stage, settings: StackSettings): StageProblem[] {
  const aws = awsSettingsOf(settings);
  const problems = [
    ...settingProblems(settings, aws),
    ...formatProblems(image, aws),
    ...encryptionProblems(image, stage, aws),
    ...(isAtLeast(stage, "publish") ? accessProblems(image, settings) : []),
  ];
  return problems.map(({ propertyPath, reason }) => ({
    propertyPath,
    reason: `${image.key} cannot be brought to ${stage}: ${reason}`,
  }));
}

function settingProblems({ mirror }: StackSettings, aws: AwsSettings): StageProblem[] {
  const problems: StageProblem[] = [];
  if (mirror.name === "offline" && !aws.emulator) {
    problems.push({
      propertyPath: "stage",
      reason:
        "images from the offline kit may only go to folders and to emulators on loopback; keep the stack's alpine:stage at upload",
    });
  }
  if (aws.region === "") {
    problems.push({
      propertyPath: "aws",
      reason:
        "the stack has no region to import images into; set its alpine:aws, for example {region: us-west-2, bucket: …}",
    });
  }
  if (aws.importMethod === "vmimport" && aws.bucket === "") {
    problems.push({
      propertyPath: "aws",
      reason: "the stack has no bucket to import from; set bucket in its alpine:aws, or importMethod: direct",
    });
  }
  return problems;
}

function formatProblems({ variant }: DeclaredImage, { importMethod }: AwsSettings): StageProblem[] {
  const { imageFormat, imageCompress } = variant;
  const isPacked = imageFormat === "raw" && imageCompress !== undefined;
  if (importMethod !== "vmimport" || (!isPacked && imageFormat !== "qcow2")) return [];
  const found = isPacked ? `raw, compressed as ${imageCompress}` : imageFormat;
  return [
    {
      propertyPath: "imageFormat",
      reason: `VM Import takes vhd and uncompressed raw, but its imageFormat is ${found}; change the layer, or set importMethod: direct`,
    },
  ];
}

function encryptionProblems(image: DeclaredImage, stage: Stage, aws: AwsSettings): StageProblem[] {
  const { encrypted, access } = image.variant;
  const regions = isAtLeast(stage, "publish") ? image.regions : [];
  const problem = (reason: string): StageProblem[] => [{ propertyPath: "encrypted", reason }];
  if (encrypted === false) return [];
  if (regions.length > 0 && isPublic(image.variant)) {
    return problem(
      "it would be both public and encrypted, which AWS refuses; set access: { PUBLIC: false }, or encrypted: false",
    );
  }
  if (encrypted === true) {
    if (regions.length === 0 || grantees(access).length === 0) return [];
    return problem(
      "it would be encrypted with AWS's own key, which prevents sharing; set encrypted to a key of yours that the grantees may use",
    );
  }
  const keyRegion = /^arn:[^:]+:kms:([^:]+):/.exec(encrypted)?.[1];
  if (keyRegion === undefined) {
    if (aws.importMethod === "vmimport") return [];
    return problem(
      `EBS direct needs a key's ARN, but encrypted is ${encrypted}; set it to arn:aws:kms:REGION:ACCOUNT:key/ID, or set importMethod: vmimport`,
    );
  }
  const all = [aws.region, ...regions.map(({ name }) => name)];
  const elsewhere = [...new Set(all.filter((name) => name !== keyRegion))];
  if (elsewhere.length === 0) return [];
  return problem(
    `its key is in ${keyRegion}, but the image also goes to ${elsewhere.join(", ")}; use an alias that exists in each region (alias/NAME)`,
  );
}

function accessProblems({ variant }: DeclaredImage, { rebuild }: StackSettings): StageProblem[] {
  const problems = Object.keys(variant.access)
    .filter((name) => variant.access[name] && granteeOf(name) === undefined)
    .map((name): StageProblem => ({
      propertyPath: "access",
      reason: `access "${name}" is neither PUBLIC, nor an account's twelve digits, nor the ARN of an organization or a unit`,
    }));
  if (isPublic(variant) && rebuild === "changed") {
    problems.push({
      propertyPath: "rebuild",
      reason:
        "it would be public, but the stack replaces images whose inputs changed; set the stack's alpine:rebuild to never",
    });
  }
  return problems;
}
