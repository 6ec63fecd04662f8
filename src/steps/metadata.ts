import { createHash, randomBytes } from "node:crypto";
import { stringify } from "yaml";
import { splitFileName } from "../builder/formats/image-file.ts";
import { openStorage } from "../storage/storage.ts";
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
  /** Where it is in its cloud, from stage import on. */
  cloud?: CloudMetadata;
  /** Another command's result, where this one adds to that one's file: regions of best effort come later, if ever. */
  addsTo?: MetadataResult | undefined;
}

/** What is known of an image in its cloud. */
export interface CloudMetadata {
  importRegion: string;
  importId: string;
  /** Region to the image there; none below stage publish. */
  artifacts: Record<string, string>;
  /** ISO 8601, UTC: when it was there in all its required regions. */
  published: string | undefined;
  isReleased: boolean;
}

/** Where the metadata is stored. */
export interface MetadataResult {
  token: string;
  folder: string;
  name: string;
  sha512: string;
  /** ISO 8601, UTC: when this command first knew it to be so. */
  imported?: string;
  released?: string;
}

/** Writes an image's YAML and its checksum. */
export const metadataStep: Step<MetadataInput, MetadataResult> = {
  create: (input) => write(input, { token: randomBytes(8).toString("hex") }),

  // In place, by the same owner: a reader sees the old text or the new one, never none.
  update: write,

  async delete({ addsTo }, previous) {
    // The file is the other command's.
    if (addsTo !== undefined) return;
    if (!(await openStorage(previous.folder).remove(previous.name, previous.token))) {
      process.stderr.write(
        `${previous.folder}/${previous.name}: no longer what this resource wrote, left alone\n`,
      );
    }
  },
};

/** @param before what is known from earlier runs: whose file it is, and since when */
async function write(
  input: MetadataInput,
  before: Pick<MetadataResult, "token" | "imported" | "released">,
): Promise<MetadataResult> {
  const { artifact, disk, cloud, addsTo } = input;
  // What the command that owns the file knows comes before what this one knew.
  const { token, imported, released } = { ...before, ...addsTo };
  if (artifact === undefined || disk === undefined) {
    throw new UserError(
      "step-input-missing",
      "there is no stored image to describe",
      "run `pulumi up` without --target, or target its artifact too",
    );
  }
  const now = new Date().toISOString();
  const dates = {
    ...(cloud === undefined ? {} : { imported: imported ?? now }),
    ...(cloud?.isReleased === true ? { released: released ?? now } : {}),
  };
  const text = metadataText(input, { disk, artifact, dates, now });
  const sha512 = createHash("sha512").update(text).digest("hex");
  const name = `${splitFileName(artifact.name).name}.yaml`;
  await openStorage(artifact.folder).storeText(name, text, sha512, token);
  return { token, folder: artifact.folder, name, sha512, ...dates };
}

/** What a text is made of beside the input, all of it known. */
export interface KnownMetadata {
  disk: DiskImageResult;
  artifact: ArtifactResult;
  dates: Pick<MetadataResult, "imported" | "released">;
  now: string;
}

/** The YAML: the original's keys first, in its order, then what only this project knows. */
export function metadataText(
  { tags, mirror, cloud }: Pick<MetadataInput, "tags" | "mirror" | "cloud">,
  { disk, artifact, dates, now }: KnownMetadata,
): string {
  return stringify(
    {
      ...tags,
      built: withoutZone(disk.built),
      uploaded: withoutZone(artifact.uploaded),
      ...(dates.imported === undefined ? {} : { imported: withoutZone(dates.imported) }),
      ...(cloud === undefined ? {} : { import_id: cloud.importId, import_region: cloud.importRegion }),
      ...(cloud?.published === undefined ? {} : { published: withoutZone(cloud.published) }),
      ...(dates.released === undefined ? {} : { released: withoutZone(dates.released) }),
      artifacts: cloud === undefined || Object.keys(cloud.artifacts).length === 0 ? null : cloud.artifacts,
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
        passed: disk.bootTest.passed,
        seconds: disk.bootTest.seconds,
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
