/** The step that writes an image's metadata. */
import { createHash, randomBytes } from "node:crypto";
import { stringify } from "yaml";
import { splitFileName } from "../builder/formats/image-file.ts";
import { openStorage } from "../storage/storage.ts";
import { UserError } from "../lib/user-error.ts";
import type { ArtifactResult } from "./artifact.ts";
import type { DiskImageResult } from "./disk-image.ts";
import type { Step } from "./step.ts";
import { defined } from "../lib/defined.ts";

/** The step's input from its component. */
export interface MetadataInput {
  /** The metadata that depends on the variant alone, under the original project's keys. */
  tags: Record<string, string | number>;
  /** The mirror's logical name. */
  mirror: string;
  disk: DiskImageResult | undefined;
  artifact: ArtifactResult | undefined;
  /** The image in its cloud, from stage import on. */
  cloud?: CloudMetadata;
  /** Another command's result, if this one adds to its file: best-effort regions come later, or never. */
  addsTo?: MetadataResult | undefined;
}

/** What is known about an image in its cloud. */
export interface CloudMetadata {
  importRegion: string;
  importId: string;
  /** Region to the image there; empty below stage publish. */
  artifacts: Record<string, string>;
  /** ISO 8601, UTC: when the image was available in all required regions. */
  published: string | undefined;
  isReleased: boolean;
}

/** Where the metadata is stored. */
export interface MetadataResult {
  token: string;
  folder: string;
  name: string;
  sha512: string;
  /** ISO 8601, UTC: when this command first saw it. */
  imported?: string;
  released?: string;
}

/** Writes an image's metadata as YAML, with its checksum. */
export const metadataStep: Step<MetadataInput, MetadataResult> = {
  create: (input) => write(input, { token: randomBytes(8).toString("hex") }),

  // Replaces the file in place, with the same owner: a reader sees the old text or the new one.
  update: write,

  async delete({ addsTo }, previous) {
    // The file belongs to the other command.
    if (addsTo !== undefined) return;
    if (!(await openStorage(previous.folder).remove(previous.name, previous.token))) {
      process.stderr.write(
        `${previous.folder}/${previous.name}: no longer what this resource wrote, left alone\n`,
      );
    }
  },
};

/** @param before what is known from earlier runs: the file's owner, and the dates */
async function write(
  input: MetadataInput,
  before: Pick<MetadataResult, "token" | "imported" | "released">,
): Promise<MetadataResult> {
  const { artifact, disk, cloud, addsTo } = input;
  // The values of the command that owns the file override this command's earlier ones.
  const { token, imported, released } = { ...before, ...addsTo };
  if (artifact === undefined || disk === undefined) {
    throw new UserError(
      "step-input-missing",
      "no stored image to describe",
      "run `pulumi up` without --target, or target its artifact too",
    );
  }
  const now = new Date().toISOString();
  const dates = defined({
    imported: cloud && (imported ?? now),
    released: cloud?.isReleased ? (released ?? now) : undefined,
  });
  const text = metadataText(input, { disk, artifact, dates, now });
  const sha512 = createHash("sha512").update(text).digest("hex");
  const name = `${splitFileName(artifact.name).name}.yaml`;
  await openStorage(artifact.folder).storeText(name, text, sha512, token);
  return { token, folder: artifact.folder, name, sha512, ...dates };
}

/** What the metadata is made of besides the input; all of it is known. */
export interface KnownMetadata {
  disk: DiskImageResult;
  artifact: ArtifactResult;
  dates: Pick<MetadataResult, "imported" | "released">;
  now: string;
}

/** The metadata as YAML: first the original project's keys, in its order, then those that only this project has. */
export function metadataText(
  { tags, mirror, cloud }: Pick<MetadataInput, "tags" | "mirror" | "cloud">,
  { disk, artifact, dates, now }: KnownMetadata,
): string {
  return stringify(
    {
      ...tags,
      built: withoutZone(disk.built),
      uploaded: withoutZone(artifact.uploaded),
      // Each is left out until it is known.
      imported: dates.imported && withoutZone(dates.imported),
      import_id: cloud?.importId,
      import_region: cloud?.importRegion,
      published: cloud?.published && withoutZone(cloud.published),
      released: dates.released && withoutZone(dates.released),
      artifacts: cloud === undefined || Object.keys(cloud.artifacts).length === 0 ? null : cloud.artifacts,
      metadata_updated: withoutZone(now),
      file: artifact.name,
      sha512: disk.sha512,
      // Left out if an older version of this project stored the image without documents.
      sbom: artifact.documents?.sbom.name,
      provenance: artifact.documents?.provenance.name,
      kernel: disk.kernel,
      packages: disk.packages,
      inputs_digest: disk.inputsDigest,
      mirror,
      mirror_snapshot: disk.mirrorSnapshot,
      disk_check: disk.diskCheck,
      boot_test: {
        passed: disk.bootTest.passed,
        seconds: disk.bootTest.seconds,
        stand_ins: disk.bootTest.standIns,
      },
    },
    // A reader must not parse version 3.20 as the number 3.2.
    { defaultStringType: "PLAIN", version: "1.1", lineWidth: 0 },
  );
}

/** The original project writes UTC times without a zone: `2026-11-23T08:00:00.123456`. */
function withoutZone(time: string): string {
  return time.replace(/Z$/, "");
}
