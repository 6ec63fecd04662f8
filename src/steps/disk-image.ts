/** The step that builds and boot-tests a disk. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import type { Builder } from "../configuration/settings.ts";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { withOrigins } from "../configuration/origins.ts";
import type { Variant } from "../configuration/variant.ts";
import { type BootCloud, bootCloudOf } from "../boot-test/boot-cloud.ts";
import { bootTest } from "../boot-test/boot-test.ts";
import { buildDisk } from "../builder/build-disk.ts";
import type { BuildSettings } from "../builder/build-settings.ts";
import type { Documents } from "../builder/documents.ts";
import { startProgress } from "../builder/progress.ts";
import { withBuildSlot } from "../builder/slots.ts";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { digestOfFile } from "../lib/digest.ts";
import { withFileLock } from "../lib/file-lock.ts";
import { buildRemotely } from "../remote/build-remotely.ts";
import { removeEmptyFolders } from "../storage/storage.ts";
import { projectRoot } from "../lib/workspace.ts";
import { imageFolder, recordName } from "./image-folder.ts";
import type { Step } from "./step.ts";

/** The step's input from its component. */
export interface DiskImageInput {
  variant: Variant;
  inputsDigest: string;
  build: BuildSettings;
  /** The remote builder, if another machine builds it. */
  builder?: Builder;
}

/** What is recorded about a built image. */
export interface DiskImageResult {
  /** The owner of the files: see `delete`. */
  token: string;
  /** The image, relative to the project. */
  file: string;
  sha512: string;
  bytes: number;
  diskSizeMib: number;
  inputsDigest: string;
  /** Repository URL to the sha256 of the index that the image was built from. */
  mirrorSnapshot: Record<string, string>;
  kernel: string;
  packages: number;
  /** The documents published beside the image, relative to the project. Disks from older versions have none. */
  documents?: Documents;
  /** ISO 8601, UTC. */
  built: string;
  /** Missing in disks from older versions, which had no disk check. */
  diskCheck?: { passed: number };
  bootTest: {
    /** The number of checks; all of them passed. */
    passed: number;
    seconds: number;
    /** Packages of the offline kit that replace real ones in the image, if there are any. */
    standIns?: string[];
  };
}

/**
 * Builds and boot-tests a disk below work/images/.
 * @param clouds all known clouds: the image's cloud decides on which machine it boots
 */
export const diskImageStep = (
  clouds: readonly (BootCloud & CloudRules)[],
): Step<DiskImageInput, DiskImageResult> => ({
  async create(input) {
    const { inputsDigest, build, builder } = input;
    const variant = withOrigins(input.variant, build.overlays, clouds, projectRoot);
    const folder = imageFolder(variant);
    mkdirSync(path.dirname(folder), { recursive: true });
    const waits = (): void =>
      void process.stderr.write(`${variant.name}: another run is building it, waiting\n`);
    // If two runs build the same image at once, the second waits and uses the first one's result.
    return withFileLock(
      `${folder}.lock`,
      async () => {
        const finished = await finishedBuild(variant, inputsDigest);
        if (finished !== undefined) {
          process.stderr.write(`${variant.name}: already built from the same inputs, by another run\n`);
          return finished;
        }
        const record = (result: DiskImageResult): DiskImageResult => {
          writeFileAtomically(recordFile(variant), JSON.stringify(result));
          return result;
        };
        if (builder !== undefined) {
          rmSync(folder, { recursive: true, force: true });
          const keep = (result: DiskImageResult): DiskImageResult => record({ ...result, ...ownership() });
          return buildRemotely(builder, { variant, inputsDigest, build }, folder, keep);
        }
        return withBuildSlot(build.slots, variant.name, async () => {
          rmSync(folder, { recursive: true, force: true });
          const progress = startProgress(variant.name);
          const { dataSource } = bootCloudOf(clouds, variant.cloud);
          const image = await buildDisk(variant, build, folder, progress, { dataSource });
          const tested = await bootTest(variant, image, clouds, progress);
          const result = record({
            ...ownership(),
            file: path.relative(projectRoot, image.file),
            sha512: image.sha512,
            bytes: image.size,
            diskSizeMib: image.diskSizeMib,
            inputsDigest,
            mirrorSnapshot: image.mirrorSnapshot,
            kernel: image.kernel,
            packages: image.packages.length,
            documents: relative(image.documents),
            diskCheck: image.diskCheck,
            bootTest: {
              passed: tested.checks.length,
              seconds: tested.seconds,
              ...(tested.standIns.length === 0 ? {} : { standIns: tested.standIns }),
            },
          });
          progress.phase(`done: ${phases(progress.seconds())}`, 100);
          return result;
        });
      },
      waits,
    );
  },

  update: (_, previous) => Promise.resolve(previous),

  async delete({ variant }, previous) {
    const folder = imageFolder(variant);
    await withFileLock(`${folder}.lock`, async () => {
      await Promise.resolve();
      if (readRecord(variant)?.token !== previous?.token) {
        process.stderr.write(
          `${variant.name}: left the files in ${folder} alone, because this resource did not build them\n`,
        );
        return;
      }
      rmSync(folder, { recursive: true, force: true });
    });
    rmSync(`${folder}.lock`, { force: true });
    removeEmptyFolders(path.dirname(folder));
  },
});

/** The owner of the files, and the time by this machine's clock: a remote builder's clock may be wrong. */
function ownership(): Pick<DiskImageResult, "token" | "built"> {
  return { token: randomBytes(8).toString("hex"), built: new Date().toISOString() };
}

function recordFile(variant: Variant): string {
  return path.join(imageFolder(variant), recordName);
}

function readRecord(variant: Variant): DiskImageResult | undefined {
  const file = recordFile(variant);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as DiskImageResult) : undefined;
}

/** The result of a build that finished although its run did not. The record is written last, so it proves that. */
async function finishedBuild(variant: Variant, inputsDigest: string): Promise<DiskImageResult | undefined> {
  const record = readRecord(variant);
  if (record?.inputsDigest !== inputsDigest) return undefined;
  for (const { file, sha512 } of [record, ...Object.values(record.documents ?? {})]) {
    const built = path.join(projectRoot, file);
    if (!existsSync(built) || (await digestOfFile(built, "sha512")) !== sha512) return undefined;
  }
  return record;
}

/** The documents with relative paths, because the state can move to another checkout. */
function relative({ sbom, provenance }: Documents): Documents {
  const moved = ({ file, sha512 }: Documents["sbom"]) => ({ file: path.relative(projectRoot, file), sha512 });
  return { sbom: moved(sbom), provenance: moved(provenance) };
}

function phases(seconds: Record<string, number>): string {
  return Object.entries(seconds)
    .filter(([, took]) => took >= 0.5)
    .map(([name, took]) => `${name} ${took} s`)
    .join(", ");
}
