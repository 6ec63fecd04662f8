import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import type { Documents } from "../builder/documents.ts";
import { digestOfFile } from "../lib/digest.ts";
import { type LocalFile, openStorage, removeAll, storeAll } from "../storage/storage.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";
import type { DiskImageResult } from "./disk-image.ts";
import type { Step } from "./step.ts";

/** What the step gets from its component. */
export interface ArtifactInput {
  storageUrl: string;
  /** Undefined only where Pulumi left the build out, and then nothing can be stored. */
  disk: DiskImageResult | undefined;
}

/** Where an image is stored. */
export interface ArtifactResult {
  token: string;
  /** The storage's URL. */
  folder: string;
  name: string;
  sha512: string;
  bytes: number;
  /** What is stored beside the image. Artifacts of older versions have none. */
  documents?: Record<keyof Documents, StoredFile>;
  /** ISO 8601, UTC. */
  uploaded: string;
}

/** A file in storage; its `NAME.sha512` is beside it. */
export interface StoredFile {
  name: string;
  sha512: string;
}

/** All that an artifact has in storage, the image first: what is removed with it, and what there is to sign. */
export function storedFiles(artifact: ArtifactResult): StoredFile[] {
  return [artifact, ...Object.values(artifact.documents ?? {})];
}

/** Stores an image and what describes it, each with its checksum. */
export const artifactStep: Step<ArtifactInput, ArtifactResult> = {
  async create({ storageUrl, disk }) {
    if (disk === undefined) {
      throw new UserError(
        "step-input-missing",
        "there is no built image to store",
        "run `pulumi up` without --target, or target its disk too",
      );
    }
    // The image last: where it is, there is what describes it.
    const built = [...Object.values(disk.documents ?? {}), disk];
    const files: LocalFile[] = [];
    for (const one of built) files.push({ ...one, file: await ensureBuilt(storageUrl, one) });
    const token = randomBytes(8).toString("hex");
    await storeAll(openStorage(storageUrl), files, token);
    return {
      token,
      folder: storageUrl,
      ...stored(disk),
      bytes: disk.bytes,
      ...(disk.documents === undefined
        ? {}
        : {
            documents: { sbom: stored(disk.documents.sbom), provenance: stored(disk.documents.provenance) },
          }),
      uploaded: new Date().toISOString(),
    };
  },

  update: (_, previous) => Promise.resolve(previous),

  async delete(_, previous) {
    const names = storedFiles(previous).map(({ name }) => name);
    await removeAll(previous.folder, names, previous.token);
  },
};

/** A file that was built, relative to the project. */
export interface BuiltFile {
  file: string;
  sha512: string;
}

function stored({ file, sha512 }: BuiltFile): StoredFile {
  return { name: path.basename(file), sha512 };
}

/**
 * State from another machine: a built file is not here, but storage may have the very same one.
 * @returns the file, which has that checksum
 */
export async function ensureBuilt(storageUrl: string, { file: built, sha512 }: BuiltFile): Promise<string> {
  const file = path.join(projectRoot, built);
  if (existsSync(file) && (await digestOfFile(file, "sha512")) === sha512) return file;
  if (await openStorage(storageUrl).fetchFile(path.basename(file), file, sha512)) return file;
  throw new UserError(
    "image-lost",
    `${file} is not on this machine, or is not what was built (sha512 ${sha512.slice(0, 16)}…), and ${storageUrl} does not have it either`,
    "run on the machine that built it, copy the file here, or build it anew with `pulumi up --target-replace` of its disk",
    { where: file },
  );
}
