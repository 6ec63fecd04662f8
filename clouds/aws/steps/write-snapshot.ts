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
  /** If true, only an emulator on loopback is talked to: setting `aws.emulator`. States have it by this name. */
  double: boolean;
  /** Who needs the snapshot, the same on every run and nobody else's: the stack's full name and the image's. */
  owner: string;
  /** Undefined only where Pulumi left the build or the storing out, and then nothing can be written. */
  disk: DiskImageResult | undefined;
  artifact: ArtifactResult | undefined;
  /** It cannot be changed later. */
  description: string;
  /** Of the snapshot, `alpine:token` excepted. 49 at most. */
  tags: Record<string, string>;
  encrypted: boolean;
  /** ARN of the key to encrypt with. @default the account's own for EBS */
  kmsKeyId?: string;
}

/** Which snapshot has an image's disk. */
export interface AwsSnapshotResult {
  token: string;
  region: string;
  snapshotId: string;
  volumeGib: number;
  /** Blocks of 512 KiB with anything in them. */
  blocks: number;
  /** ISO 8601, UTC: when this run began to write it. */
  started: string;
}

/** Writes a stored image's disk to a snapshot, directly. */
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
        `${kmsKeyId} is not the ARN of a key of KMS`,
        "with aws.importMethod direct, `encrypted` has to be true, or arn:aws:kms:REGION:ACCOUNT:key/ID",
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

  /** Tags alone can be changed on a snapshot. */
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
