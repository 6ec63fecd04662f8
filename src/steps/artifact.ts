/** The step that stores an image and its documents. */
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

/** The step's input from its component. */
export interface ArtifactInput {
  storageUrl: string;
  /** Undefined only if Pulumi skipped the build; then there is nothing to store. */
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
  /** The documents stored beside the image. Artifacts from older versions have none. */
  documents?: Record<keyof Documents, StoredFile>;
  /** ISO 8601, UTC. */
  uploaded: string;
}

/** A file in storage; its `NAME.sha512` is beside it. */
export interface StoredFile {
  name: string;
  sha512: string;
}

/** All files of an artifact in storage, the image first. They are signed, and removed together. */
export function storedFiles(artifact: ArtifactResult): StoredFile[] {
  return [artifact, ...Object.values(artifact.documents ?? {})];
}

/** Stores an image and its documents, each with its checksum. */
export const artifactStep: Step<ArtifactInput, ArtifactResult> = {
  async create({ storageUrl, disk }) {
    if (disk === undefined) {
      throw new UserError(
        "step-input-missing",
        "no built image to store",
        "run `pulumi up` without --target, or target its disk too",
      );
    }
    // The image comes last: if it is there, so are its documents.
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

/** A built file, relative to the project. */
export interface BuiltFile {
  file: string;
  sha512: string;
}

function stored({ file, sha512 }: BuiltFile): StoredFile {
  return { name: path.basename(file), sha512 };
}

/**
 * Makes sure that a built file is on this machine. If the state comes from another machine, the file is fetched from storage.
 * @returns the file, with the right checksum
 */
export async function ensureBuilt(storageUrl: string, { file: built, sha512 }: BuiltFile): Promise<string> {
  const file = path.join(projectRoot, built);
  if (existsSync(file) && (await digestOfFile(file, "sha512")) === sha512) return file;
  if (await openStorage(storageUrl).fetchFile(path.basename(file), file, sha512)) return file;
  throw new UserError(
    "image-lost",
    `${file} is missing, or differs from what was built (sha512 ${sha512.slice(0, 16)}…), and ${storageUrl} does not have it either`,
    "run on the machine that built it, copy the file here, or build it again with `pulumi up --target-replace` of its disk",
    { where: file },
  );
}
