import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import { digestOfFile } from "../lib/digest.ts";
import { openStorage } from "../lib/storage.ts";
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
  /** ISO 8601, UTC. */
  uploaded: string;
}

/** Stores an image and its checksum. */
export const artifactStep: Step<ArtifactInput, ArtifactResult> = {
  async create({ storageUrl, disk }) {
    if (disk === undefined) {
      throw new UserError(
        "there is no built image to store",
        "run `pulumi up` without --target, or target its disk too",
      );
    }
    const file = path.join(projectRoot, disk.file);
    const name = path.basename(file);
    if (!existsSync(file) || (await digestOfFile(file, "sha512")) !== disk.sha512) {
      await fetchBack(storageUrl, name, file, disk.sha512);
    }
    const token = randomBytes(8).toString("hex");
    await openStorage(storageUrl).storeFile(name, file, disk.sha512, token);
    return {
      token,
      folder: storageUrl,
      name,
      sha512: disk.sha512,
      bytes: disk.bytes,
      uploaded: new Date().toISOString(),
    };
  },

  update: (_, previous) => Promise.resolve(previous),

  async delete(_, previous) {
    if (!(await openStorage(previous.folder).remove(previous.name, previous.token))) {
      process.stderr.write(
        `${previous.folder}/${previous.name}: no longer what this resource stored, left alone\n`,
      );
    }
  },
};

/** State from another machine: the built file is not here, but storage may have the very same one. */
async function fetchBack(storageUrl: string, name: string, file: string, sha512: string): Promise<void> {
  if (await openStorage(storageUrl).fetchFile(name, file, sha512)) return;
  throw new UserError(
    `${file} is not on this machine, or is not what was built (sha512 ${sha512.slice(0, 16)}…), and ${storageUrl} does not have it either`,
    "run on the machine that built it, copy the file here, or build it anew with `pulumi up --target-replace` of its disk",
  );
}
