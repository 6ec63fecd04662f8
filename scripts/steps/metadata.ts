import { createHash, randomBytes } from "node:crypto";
import { stringify } from "yaml";
import { splitFileName } from "../build/formats/image-file.ts";
import { openStorage } from "../lib/storage.ts";
import { UserError } from "../lib/user-error.ts";
import type { ArtifactResult } from "./artifact.ts";
import type { DiskImageResult } from "./disk-image.ts";
import type { Step } from "./step.ts";

/** What the step gets from its component. */
export interface MetadataInput {
  /** Keys and values of the original's metadata that follow from the variant alone. */
  tags: Record<string, string | number>;
  /** The mirror's logical name. */
  mirror: string;
  disk: DiskImageResult | undefined;
  artifact: ArtifactResult | undefined;
}

/** Where the metadata is stored. */
export interface MetadataResult {
  token: string;
  folder: string;
  name: string;
  sha512: string;
}

/** Writes an image's YAML and its checksum. */
export const metadataStep: Step<MetadataInput, MetadataResult> = {
  create: (input) => write(input, randomBytes(8).toString("hex")),

  // In place, by the same owner: a reader sees the old text or the new one, never none.
  update: (input, previous) => write(input, previous.token),

  async delete(_, previous) {
    if (!(await openStorage(previous.folder).remove(previous.name, previous.token))) {
      process.stderr.write(
        `${previous.folder}/${previous.name}: no longer what this resource wrote, left alone\n`,
      );
    }
  },
};

async function write(input: MetadataInput, token: string): Promise<MetadataResult> {
  const { artifact, disk } = input;
  if (artifact === undefined || disk === undefined) {
    throw new UserError(
      "there is no stored image to describe",
      "run `pulumi up` without --target, or target its artifact too",
    );
  }
  const text = metadataText(input.tags, input.mirror, disk, artifact, new Date().toISOString());
  const sha512 = createHash("sha512").update(text).digest("hex");
  const name = `${splitFileName(artifact.name).name}.yaml`;
  await openStorage(artifact.folder).storeText(name, text, sha512, token);
  return { token, folder: artifact.folder, name, sha512 };
}

/** The YAML: the original's keys first, in its order, then what only this project knows. */
export function metadataText(
  tags: Record<string, string | number>,
  mirror: string,
  disk: DiskImageResult,
  artifact: ArtifactResult,
  now: string,
): string {
  return stringify(
    {
      ...tags,
      built: withoutZone(disk.built),
      uploaded: withoutZone(artifact.uploaded),
      artifacts: null,
      metadata_updated: withoutZone(now),
      file: artifact.name,
      sha512: disk.sha512,
      // Left out where an older version of this project stored the image alone.
      sbom: artifact.documents?.sbom.name,
      provenance: artifact.documents?.provenance.name,
      kernel: disk.kernel,
      packages: disk.packages,
      inputs_digest: disk.inputsDigest,
      mirror,
      mirror_snapshot: disk.mirrorSnapshot,
      disk_check: disk.diskCheck,
      boot_test: {
        ...{ passed: disk.bootTest.passed, seconds: disk.bootTest.seconds },
        stand_ins: disk.bootTest.standIns,
      },
    },
    // Version 3.20 must not become the number 3.2 in a reader's hands.
    { defaultStringType: "PLAIN", version: "1.1", lineWidth: 0 },
  );
}

/** The original writes times of UTC without saying so: `2026-11-23T08:00:00.123456`. */
function withoutZone(time: string): string {
  return time.replace(/Z$/, "");
}
