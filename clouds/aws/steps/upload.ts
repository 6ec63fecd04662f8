import { randomBytes } from "node:crypto";
import { claimObject, releaseObject } from "../api/object-owners.ts";
import { s3Client } from "../api/clients.ts";
import { withAwsErrors } from "../api/errors.ts";
import { uploadFile } from "../api/upload-file.ts";
import { splitFileName } from "../../../src/builder/formats/image-file.ts";
import { startProgress } from "../../../src/builder/progress.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { type ArtifactResult, ensureBuilt } from "../../../src/steps/artifact.ts";
import type { DiskImageResult } from "../../../src/steps/disk-image.ts";
import type { Step } from "../../../src/steps/step.ts";

/** What the step gets from its component. */
export interface AwsUploadInput {
  /** The bucket's region. */
  region: string;
  bucket: string;
  /** If true, calls go only to an emulator on loopback (setting `aws.emulator`). States record it under this name. */
  double: boolean;
  /** Who needs the object: the full names of stack and image, unique and the same on every run. */
  owner: string;
  /** Undefined only if Pulumi skipped building or storing; nothing can be uploaded then. */
  disk: DiskImageResult | undefined;
  artifact: ArtifactResult | undefined;
}

/** Where an image is in S3. */
export interface AwsUploadResult {
  token: string;
  region: string;
  bucket: string;
  /** `NAME-CONTENT.vhd`, with the first 16 digits of the image's SHA-512. */
  key: string;
  sha512: string;
  bytes: number;
  etag: string;
  /** Only if the bucket keeps versions. */
  version?: string;
  /** ISO 8601, UTC: when the upload was complete and verified. */
  uploaded: string;
}

/** Uploads a stored image to S3, for VM Import. */
export const awsUploadStep: Step<AwsUploadInput, AwsUploadResult> = {
  async create({ region, bucket, double, owner, disk, artifact }) {
    if (disk === undefined || artifact === undefined) {
      throw new UserError(
        "step-input-missing",
        "there is no stored image to upload",
        "run `pulumi up` without --target, or target its artifact too",
      );
    }
    if (bucket === "") {
      throw new UserError(
        "aws-bucket-missing",
        "no bucket is set to upload images to",
        "set the stack's aws.bucket, or its aws.importMethod to direct",
        { where: "aws.bucket" },
      );
    }
    const file = await ensureBuilt(artifact.folder, disk);
    const { sha512 } = disk;
    const { name, extension } = splitFileName(artifact.name);
    const key = objectKey(artifact.name, sha512);
    const client = await s3Client({ region, emulator: double });
    const progress = startProgress(`${name}.${extension}`);
    const token = randomBytes(8).toString("hex");
    const object = await withAwsErrors(`upload ${artifact.name} to s3://${bucket}/${key}`, async () => {
      const object = await uploadFile({
        client,
        bucket,
        key,
        keyPrefix: `${name}-`,
        file,
        sha512,
        progress,
      });
      await claimObject({ client, bucket, key, owner }, token);
      return object;
    });
    return { token, region, bucket, key, sha512, ...object, uploaded: new Date().toISOString() };
  },

  update: (_, previous) => Promise.resolve(previous),

  async delete({ double, owner }, { region, bucket, key, token }) {
    const client = await s3Client({ region, emulator: double });
    const released = await withAwsErrors(`remove s3://${bucket}/${key}`, () =>
      releaseObject({ client, bucket, key, owner }, token),
    );
    if (released === "removed" || released === "gone") return;
    const why = released === "kept" ? "others still need it" : "no longer what this resource uploaded";
    process.stderr.write(`s3://${bucket}/${key}: ${why}, left alone\n`);
  },
};

/** Other content gets another key, because an import would not notice changed content under the same key. */
export function objectKey(fileName: string, sha512: string): string {
  const { name, extension } = splitFileName(fileName);
  return `${name}-${sha512.slice(0, 16)}.${extension}`;
}
