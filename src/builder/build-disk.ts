/** Builds one image: makes the disk in a guest, checks it, converts it, and writes its documents. */
import { existsSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import type { Variant } from "../configuration/variant.ts";
import { moveFile } from "../lib/atomic-file.ts";
import { allDone } from "../lib/all-done.ts";
import type { Check } from "../lib/checks.ts";
import { defined } from "../lib/defined.ts";
import { releaseTime } from "../configuration/release-time.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot, scratchFolder } from "../lib/workspace.ts";
import { type BaseTree, baseTreeKey, openBaseTree } from "./base-tree.ts";
import { trimCache } from "./cache-limit.ts";
import { checkDisk } from "./disk-check/check.ts";
import { convertDisk, type ImageFile } from "./formats/convert.ts";
import { checkFormat, virtualSizeMib } from "./formats/image-file.ts";
import { installExtlinux, loaderFiles } from "./extlinux.ts";
import { runJob } from "./guest.ts";
import type { BuildSettings } from "./build-settings.ts";
import { type Documents, writeDocuments } from "./documents.ts";
import { identifiers, inputsDigest, overlayFiles, repoKeyFiles } from "./inputs.ts";
import { jobArchive } from "./job.ts";
import { type MirrorSettings, openRepository, type Repository, trustedKeys } from "./mirror.ts";
import { type BuildPlace, openBuildPlace, placeText } from "./place.ts";
import type { Progress } from "./progress.ts";
import type { Accelerator } from "./qemu.ts";
import { checkPackages, requestLines } from "./requests.ts";
import { type InstalledPackage, installedPackageSchema } from "./sbom.ts";
import { releaseIn } from "./served-release.ts";

/** A built image. */
export interface BuiltImage {
  /** The image's file, in the format that its cloud accepts. */
  file: string;
  sha512: string;
  /** Bytes of the file. */
  size: number;
  /** Virtual size of the disk: as declared, or rounded up if its cloud requires that. */
  diskSizeMib: number;
  /** Digest of what it was built from. */
  inputsDigest: string;
  /** Repository URL → sha256 of the index it was built from. */
  mirrorSnapshot: Record<string, string>;
  /** Where its build guest ran. */
  isolation: "vm" | "namespace";
  /** How VMs of its architecture run on this host. */
  accelerator: Accelerator;
  kernel: string;
  packages: InstalledPackage[];
  /** Its bill of materials and provenance, in the same folder. */
  documents: Documents;
  /** How many checks the finished disk passed. A failed check fails the build. */
  diskCheck: { passed: number };
  consoleLog: string;
}

const reportSchema = z.object({
  kernel: z.string().min(1),
  packages: z.array(installedPackageSchema).min(1),
});

/** A build, with everything that is known before its guest boots. */
interface DiskBuild {
  variant: Variant;
  settings: BuildSettings;
  folder: string;
  progress: Progress;
  useCache: boolean;
  /** cloud-init's name of the cloud's data source. */
  dataSource: string;
  inputsDigest: string;
  ids: ReturnType<typeof identifiers>;
  repositories: readonly Repository[];
  /** Where the guest's partitions end. */
  declaredMib: number;
  diskSizeMib: number;
  consoleLog: string;
}

/** A disk that a guest has made. */
interface MadeDisk {
  /** The raw disk. */
  disk: string;
  report: z.infer<typeof reportSchema>;
}

/**
 * Builds a variant's disk in a guest and converts it.
 * @param folder gets the image and its console log; the image appears there complete or not at all
 * @param options.dataSource cloud-init's name of the cloud's data source, for the disk check
 * @param options.useCache `false` builds from packages alone, ignoring the results of earlier builds. The bytes are the
 *   same either way, so this is only for verifying that.
 */
export async function buildDisk(
  variant: Variant,
  settings: BuildSettings,
  folder: string,
  progress: Progress,
  { dataSource, useCache = true }: { dataSource: string; useCache?: boolean },
): Promise<BuiltImage> {
  const build: DiskBuild = { ...(await prepare(variant, settings, folder)), progress, useCache, dataSource };
  let place = await openBuildPlace(variant.arch, settings, progress);
  progress.note(placeText(place));

  mkdirSync(folder, { recursive: true });
  const scratch = scratchFolder("build");
  progress.phase("open the base", 5);
  const base = await openBaseTree(
    baseTreeKey(variant, build.repositories, place.appliance),
    scratch,
    useCache,
  );
  try {
    // The cache may have been deleted while this waited for the base.
    if (!existsSync(place.appliance.archive)) place = await openBuildPlace(variant.arch, settings, progress);
    const made = await makeDisk(build, place, base, scratch);
    progress.phase("check and convert", 91);
    const identity = { uniqueId: build.ids.fileUuid, time: releaseTime(variant) };
    const [checks, image] = await allDone(
      checkMade(build, made),
      convertDisk(made.disk, scratch, variant, identity),
    );
    return finishImage(build, place, made, { passed: checks.length }, image);
  } finally {
    await base.release();
    rmSync(scratch, { recursive: true, force: true });
    trimCache(settings.cacheGib * 2 ** 30);
  }
}

/** Rejects what cannot be built, before any work is done. */
async function prepare(
  variant: Variant,
  settings: BuildSettings,
  folder: string,
): Promise<Omit<DiskBuild, "progress" | "useCache" | "dataSource">> {
  checkFormat(variant);
  const digest = inputsDigest(variant, settings);
  const repositories = await openRepositories(variant, settings.mirror);
  checkRelease(variant, repositories, settings.mirror);
  checkPackages(variant, repositories);
  const declaredMib = variant.diskSizeMib + settings.extraDiskMib;
  return {
    variant,
    settings,
    folder,
    inputsDigest: digest,
    ids: identifiers(digest),
    repositories,
    declaredMib,
    diskSizeMib: virtualSizeMib(variant, declaredMib),
    consoleLog: path.join(folder, `${variant.name}.console.log`),
  };
}

/** Runs the build guest, which makes the disk. */
async function makeDisk(
  build: DiskBuild,
  { place }: BuildPlace,
  base: BaseTree,
  scratch: string,
): Promise<MadeDisk> {
  const { variant, settings, progress, declaredMib, repositories } = build;
  const disk = path.join(scratch, "disk.raw");
  writeFileSync(disk, "");
  truncateSync(disk, build.diskSizeMib * 2 ** 20);
  const isExtlinux = variant.bootloader === "extlinux";
  const loaders = isExtlinux ? await loaderFiles(settings.mirror, repositories) : {};
  progress.phase("start the build guest", 10);
  const report = reportSchema.parse(
    await runJob({
      what: variant.name,
      place,
      job: imageJob(build, loaders, base.missing ? "make" : "ready"),
      repositories,
      mirror: settings.mirror,
      disk,
      sharedDisk: { file: base.file, readOnly: !base.missing },
      onBaseMade: (bytes) => base.keep(bytes),
      useCache: build.useCache,
      consoleLog: build.consoleLog,
      progress,
      scratch,
      memoryMib: guestMemoryMib(declaredMib, os.totalmem() / 2 ** 20),
      deadlineSeconds: settings.timeoutMinutes * 60,
    }),
  );
  if (isExtlinux) installExtlinux(disk, variant.name);
  return { disk, report };
}

/** Compares the disk with its variant. Throws a UserError if they differ. */
async function checkMade(
  { variant, settings, dataSource, ids, diskSizeMib, declaredMib }: DiskBuild,
  { disk, report }: MadeDisk,
): Promise<Check[]> {
  return await checkDisk(disk, {
    variant,
    dataSource,
    diskSizeMib,
    declaredMib,
    ids,
    kernel: report.kernel,
    packages: report.packages,
    motd: imageMotd(variant, settings.mirror),
    console: imageConsole(variant),
    settings,
  });
}

/** Writes the documents that describe the image, and finally moves the image to its place. */
function finishImage(
  { variant, settings, folder, inputsDigest, repositories, diskSizeMib, consoleLog }: DiskBuild,
  { appliance, accelerator, place }: BuildPlace,
  { report }: MadeDisk,
  diskCheck: BuiltImage["diskCheck"],
  { file: converted, sha512, sha256 }: ImageFile,
): BuiltImage {
  const file = path.join(folder, path.basename(converted));
  const documents = writeDocuments(folder, { name: path.basename(file), sha512, sha256 }, report, {
    variant,
    settings,
    inputsDigest,
    appliance,
    repositories,
  });
  moveFile(converted, file);
  return {
    file,
    sha512,
    size: statSync(file).size,
    diskSizeMib,
    inputsDigest,
    mirrorSnapshot: Object.fromEntries(repositories.map(({ declaredUrl, digest }) => [declaredUrl, digest])),
    isolation: place.kind,
    accelerator,
    kernel: report.kernel,
    packages: report.packages,
    documents,
    diskCheck,
    consoleLog,
  };
}

/**
 * Memory of a guest that makes a disk. Both the tree and the filesystem made from it are in memory, and neither is
 * larger than the declared disk. Free space on a large disk takes no memory, so this is capped at half of the host's.
 */
export function guestMemoryMib(declaredMib: number, hostMib: number): number {
  return Math.round(Math.min(768 + 2 * declaredMib, Math.max(1024, hostMib / 2)));
}

async function openRepositories(variant: Variant, mirror: MirrorSettings): Promise<Repository[]> {
  const keys = trustedKeys([
    ...mirror.keyFiles,
    ...variant.repoKeys.map((file) => path.resolve(projectRoot, file)),
  ]);
  return Promise.all(
    variant.repos
      .filter((repo) => repo.enabled)
      .map(async ({ url, tag }) => ({
        ...(await openRepository(mirror, url, variant.arch, keys)),
        ...defined({ tag }),
      })),
  );
}

/** A mirror's branch serves only its newest release. An image of another release built from it would be mislabelled. */
export function checkRelease(
  variant: Variant,
  repositories: readonly Repository[],
  mirror: MirrorSettings,
): void {
  if (variant.version === "edge") return;
  const served = releaseIn(repositories.flatMap(({ entries }) => entries))?.release;
  if (served === variant.release) return;
  throw new UserError(
    served === undefined ? "mirror-incomplete" : "release-not-served",
    `mirror ${mirror.name} (${mirror.url}) has Alpine ${served ?? "without alpine-base"} in its ${variant.version} branch, not ${variant.release}`,
    served === undefined
      ? "use a complete mirror"
      : `a branch serves only its newest release: declare ${served}, or use a mirror that still has ${variant.release}`,
    { where: mirror.url },
  );
}

/** The job archive, which tells a build guest everything about the variant. */
function imageJob(
  { variant, settings, ids, declaredMib }: DiskBuild,
  loaders: Record<string, Buffer>,
  base: "make" | "ready",
): Buffer {
  const runlevels = (services: Record<string, string[]>): string =>
    Object.entries(services)
      .filter(([, names]) => names.length > 0)
      .map(([runlevel, names]) => `${runlevel}=${names.join(",")}`)
      .join(" ");
  return jobArchive({
    arch: variant.arch,
    main: "build-disk",
    sourceDateEpoch: releaseTime(variant),
    keyFiles: [
      ...settings.mirror.keyFiles,
      ...variant.repoKeys.map((file) => path.resolve(projectRoot, file)),
    ],
    variables: {
      BASE: base,
      VERSION: variant.version,
      RELEASE: variant.release,
      FIRMWARE: variant.firmware,
      BOOTSTRAP: variant.bootstrap,
      CLOUD: variant.cloud,
      BOOTLOADER: variant.bootloader,
      SCRIPTS: variant.scripts.join(" "),
      PACKAGES_BASE: variant.basePackages.join(" "),
      PACKAGES_ADD: variant.packages.add.filter((name) => !variant.basePackages.includes(name)).join(" "),
      PACKAGES_DELETE: variant.packages.delete.join(" "),
      PACKAGES_NOSCRIPTS: variant.packages.noScripts.join(" "),
      SERVICES_ENABLE: runlevels(variant.services.enable),
      SERVICES_DISABLE: runlevels(variant.services.disable),
      KERNEL_MODULES: variant.kernelModules.join(","),
      KERNEL_OPTIONS: variant.kernelOptions.join(" "),
      INITFS_FEATURES: variant.initfsFeatures.join(" "),
      IMAGE_CONSOLE: imageConsole(variant),
      IMAGE_LOGIN: variant.login,
      MOTD: imageMotd(variant, settings.mirror),
      NTP_SERVER: variant.ntpServer,
      DISK_MIB: String(declaredMib),
      DISK_ID: ids.diskId,
      DISK_UUID: ids.diskUuid,
      ROOT_UUID: ids.rootUuid,
      ROOT_PARTITION_UUID: ids.rootPartitionUuid,
      EFI_PARTITION_UUID: ids.efiPartitionUuid,
      EFI_VOLUME_ID: ids.efiVolumeId,
    },
    files: {
      "files/asked-by": requestLines(variant),
      "files/repositories": variant.repos
        .map(({ url, tag, enabled }) => `${enabled ? "" : "#"}${tag === undefined ? "" : `@${tag} `}${url}\n`)
        .join(""),
      ...loaders,
      ...repoKeyFiles(variant),
      ...overlayFiles(settings.overlays),
    },
  });
}

/** Text of /etc/motd, which names the mirror if it is not Alpine's own. */
function imageMotd({ motd }: Variant, { name }: MirrorSettings): string {
  return name === "official" ? motd : `${motd}\n\nBuilt from mirror: ${name}.`;
}

/** The serial console of the image. The login prompt is where the kernel writes. */
export function imageConsole(variant: Variant): string {
  const consoles = variant.kernelOptions.flatMap(
    (option) => /^console=(tty[A-Z]+\d+)/.exec(option)?.[1] ?? [],
  );
  return consoles.at(-1) ?? "ttyS0";
}
