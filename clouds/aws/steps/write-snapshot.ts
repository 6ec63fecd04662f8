import { rmSync } from "node:fs";
import { CreateTagsCommand, DeleteSnapshotCommand, DeleteTagsCommand } from "@aws-sdk/client-ec2";
import { ebsClient, ec2Client } from "../api/clients.ts";
import { rawDisk } from "../../../src/builder/formats/unpack.ts";
import { withAwsErrors } from "../api/errors.ts";
import { tagList } from "../api/tag-list.ts";
import { findById, tokenTag, writeSnapshot } from "../api/write-snapshot.ts";
import { splitFileName } from "../../../src/builder/formats/image-file.ts";
import { startProgress } from "../../../src/builder/progress.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { scratchFolder } from "../../../src/lib/workspace.ts";
import { type ArtifactResult, ensureBuilt } from "../../../src/steps/artifact.ts";
import type { DiskImageResult } from "../../../src/steps/disk-image.ts";
import type { Step } from "../../../src/steps/step.ts";

/** What the step gets from its component. */
export interface AwsSnapshotInput {
  region: string;
  /** If true, calls go only to an emulator on loopback (setting `aws.emulator`). States record it under this name. */
  double: boolean;
  /** Who needs the snapshot: the full names of stack and image, unique and the same on every run. */
  owner: string;
  /** Undefined only if Pulumi skipped building or storing; nothing can be written then. */
  disk: DiskImageResult | undefined;
  artifact: ArtifactResult | undefined;
  /** It cannot be changed later. */
  description: string;
  /** The snapshot's tags without `alpine:token`: at most 49. */
  tags: Record<string, string>;
  encrypted: boolean;
  /** ARN of the key to encrypt with. @default the account's default key for EBS */
  kmsKeyId?: string;
}

/** The snapshot that has an image's disk. */
export interface AwsSnapshotResult {
  token: string;
  region: string;
  snapshotId: string;
  volumeGib: number;
  /** Number of blocks of 512 KiB that are not blank. */
  blocks: number;
  /** ISO 8601, UTC: when this run started to write it. */
  started: string;
}

/** Writes a stored image's disk directly to a snapshot. */
export const awsSnapshotStep: Step<AwsSnapshotInput, AwsSnapshotResult> = {
  async create({ disk, artifact, double, ...input }) {
    if (disk === undefined || artifact === undefined) {
      throw new UserError(
        "step-input-missing",
        "there is no stored image to write to a snapshot",
        "run `pulumi up` without --target, or target its artifact too",
      );
    }
    const { region, kmsKeyId } = input;
    if (kmsKeyId !== undefined && !/^arn:[^:]+:kms:/.test(kmsKeyId)) {
      throw new UserError(
        "value-invalid",
        `${kmsKeyId} is not the ARN of a KMS key`,
        "with aws.importMethod direct, set `encrypted` to true or to arn:aws:kms:REGION:ACCOUNT:key/ID",
        { where: kmsKeyId },
      );
    }
    const started = new Date().toISOString();
    const file = await ensureBuilt(artifact.folder, disk);
    const { name } = splitFileName(artifact.name);
    const place = { region, emulator: double };
    const scratch = scratchFolder("snapshot");
    try {
      const written = await withAwsErrors(`write ${artifact.name} to a snapshot in ${region}`, async () =>
        writeSnapshot({
          ebs: await ebsClient(place),
          ec2: await ec2Client(place),
          disk: await rawDisk(file, scratch),
          progress: startProgress(name),
          request: { ...input, sha512: disk.sha512 },
        }),
      );
      return { ...written, region, started };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },

  /** Only a snapshot's tags can change. */
  async update({ double, tags }, previous) {
    const { region, snapshotId, token } = previous;
    const ec2 = await ec2Client({ region, emulator: double });
    await withAwsErrors(`tag ${snapshotId} in ${region}`, async () => {
      const wanted = { ...tags, [tokenTag]: token };
      const found = (await findById(ec2, snapshotId))?.Tags ?? [];
      await ec2.send(new CreateTagsCommand({ Resources: [snapshotId], Tags: tagList(wanted) }));
      const undeclared = found.filter(({ Key = "" }) => !(Key in wanted) && !Key.startsWith("aws:"));
      if (undeclared.length === 0) return;
      await ec2.send(
        new DeleteTagsCommand({
          Resources: [snapshotId],
          Tags: undeclared.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }])),
        }),
      );
    });
    return previous;
  },

  async delete({ double }, { region, snapshotId, token }) {
    const ec2 = await ec2Client({ region, emulator: double });
    await withAwsErrors(`delete ${snapshotId} in ${region}`, async () => {
      const found = await findById(ec2, snapshotId);
      if (found === undefined) return;
      if (found.Tags?.find(({ Key }) => Key === tokenTag)?.Value !== token) {
        process.stderr.write(`${snapshotId}: no longer what this resource wrote, left alone\n`);
        return;
      }
      await ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshotId }));
    });
  },
};
