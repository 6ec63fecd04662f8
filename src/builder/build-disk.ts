import { existsSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import type { Variant } from "../configuration/variant.ts";
import { moveFile } from "../lib/atomic-file.ts";
import type { Check } from "../lib/checks.ts";
import { defined } from "../lib/defined.ts";
import { digestsOfFile } from "../lib/digest.ts";
import { releaseTime } from "../configuration/release-time.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot, scratchFolder } from "../lib/workspace.ts";
import { type Appliance, makeAppliance } from "./appliance.ts";
import { type BaseTree, baseTreeKey, openBaseTree } from "./base-tree.ts";
import { trimCache } from "./cache-limit.ts";
import { checkDisk } from "./disk-check/check.ts";
import { convertDisk } from "./formats/convert.ts";
import { checkFormat, virtualSizeMib } from "./formats/image-file.ts";
import { runJob } from "./guest.ts";
import type { BuildSettings } from "./build-settings.ts";
import { type Documents, writeDocuments } from "./documents.ts";
import { identifiers, inputsDigest, overlayFiles, repoKeyFiles } from "./inputs.ts";
import { guestProxyAddress, jobArchive } from "./job.ts";
import { type MirrorSettings, openRepository, type Repository, trustedKeys } from "./mirror.ts";
import type { Progress } from "./progress.ts";
import type { Accelerator } from "./qemu.ts";
import { checkPackages, requestLines } from "./requests.ts";
import { type InstalledPackage, installedPackageSchema } from "./sbom.ts";
import { releaseIn } from "./served-release.ts";

/** A built image. */
export interface BuiltImage {
  /** The image's file, in the format its cloud takes. */
  file: string;
  sha512: string;
  /** Bytes of the file. */
  size: number;
  /** Virtual size of the disk: as declared, or what its cloud makes of that. */
  diskSizeMib: number;
  /** Digest of what it was built from. */
  inputsDigest: string;
  /** Repository URL → sha256 of the index it was built from. */
  mirrorSnapshot: Record<string, string>;
  accelerator: Accelerator;
  kernel: string;
  packages: InstalledPackage[];
  /** Its bill of materials and its provenance, beside it. */
  documents: Documents;
  /** How many checks the finished disk has passed: all there are. */
  diskCheck: { passed: number };
  consoleLog: string;
}

const reportSchema = z.object({
  kernel: z.string().min(1),
  packages: z.array(installedPackageSchema).min(1),
});

/** What is built, and all that is settled before its guest boots. */
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
  /** Up to where the guest's partitions go. */
  declaredMib: number;
  diskSizeMib: number;
  consoleLog: string;
}

/** A disk that a guest has made. */
interface MadeDisk {
  /** The raw disk. */
  disk: string;
  report: z.infer<typeof reportSchema>;
  /** What the guest tells of the finished disk. */
  facts: readonly string[];
}

/**
 * Builds a variant's disk in a guest and converts it.
 * @param folder where the image and its console log go; the image appears there whole or not at all
 * @param options.dataSource cloud-init's name of the cloud's data source, for the disk check
 * @param options.useCache `false` builds from packages alone, without what earlier builds made of the same: the bytes
 *   are no others, so this is for those who want to see that
 */
export async function buildDisk(
  variant: Variant,
  settings: BuildSettings,
  folder: string,
  progress: Progress,
  { dataSource, useCache = true }: { dataSource: string; useCache?: boolean },
): Promise<BuiltImage> {
  const build: DiskBuild = { ...(await prepare(variant, settings, folder)), progress, useCache, dataSource };
  let appliance = await makeAppliance(variant.arch, settings, progress);

  mkdirSync(folder, { recursive: true });
  const scratch = scratchFolder("build");
  progress.phase("open the base", 5);
  const base = await openBaseTree(baseTreeKey(variant, build.repositories, appliance), scratch, useCache);
  try {
    // The base may have been waited for, and the cache deleted meanwhile.
    if (!existsSync(appliance.archive)) appliance = await makeAppliance(variant.arch, settings, progress);
    const made = await makeDisk(build, appliance, base, scratch);
    const checks = checkMade(build, made);
    progress.phase("convert", 92);
    return await finishImage(build, appliance, made, { passed: checks.length }, scratch);
  } finally {
    await base.release();
    rmSync(scratch, { recursive: true, force: true });
    trimCache(settings.cacheGib * 2 ** 30);
  }
}

/** Finds fault with what cannot be built, before anything is made. */
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

/** Boots the build guest and lets it make the disk. */
async function makeDisk(
  build: DiskBuild,
  appliance: Appliance,
  base: BaseTree,
  scratch: string,
): Promise<MadeDisk> {
  const { variant, settings, progress, declaredMib } = build;
  const disk = path.join(scratch, "disk.raw");
  writeFileSync(disk, "");
  truncateSync(disk, build.diskSizeMib * 2 ** 20);
  const facts: string[] = [];
  progress.phase("boot the build guest", 10);
  const report = reportSchema.parse(
    await runJob({
      what: variant.name,
      appliance,
      job: imageJob(variant, settings, build.ids, declaredMib, base.missing ? "make" : "ready"),
      repositories: build.repositories,
      mirror: settings.mirror,
      disk,
      sharedDisk: { file: base.file, readOnly: !base.missing },
      onBaseMade: (bytes) => base.keep(bytes),
      onFact: (fact) => facts.push(fact),
      useCache: build.useCache,
      consoleLog: build.consoleLog,
      progress,
      scratch,
      memoryMib: guestMemoryMib(declaredMib, os.totalmem() / 2 ** 20),
      deadlineSeconds: settings.timeoutMinutes * 60,
    }),
  );
  return { disk, report, facts };
}

/** Compares the disk with its variant. Throws a UserError where it is another. */
function checkMade(
  { variant, settings, dataSource, ids, diskSizeMib, declaredMib }: DiskBuild,
  { disk, report, facts }: MadeDisk,
): Check[] {
  return checkDisk(disk, facts, {
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

/** Converts the disk, writes what describes the image, and moves the image to its place, last. */
async function finishImage(
  { variant, settings, folder, inputsDigest, ids, repositories, diskSizeMib, consoleLog }: DiskBuild,
  appliance: Appliance,
  { disk, report }: MadeDisk,
  diskCheck: BuiltImage["diskCheck"],
  scratch: string,
): Promise<BuiltImage> {
  const converted = await convertDisk(disk, scratch, variant, {
    uniqueId: ids.fileUuid,
    time: releaseTime(variant),
  });
  const file = path.join(folder, path.basename(converted));
  const { sha512, sha256 } = await digestsOfFile(converted, "sha512", "sha256");
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
    accelerator: appliance.accelerator,
    kernel: report.kernel,
    packages: report.packages,
    documents,
    diskCheck,
    consoleLog,
  };
}

/**
 * Memory of a guest that makes a disk. The tree and the filesystem made of it are in memory, both, and neither is larger
 * than the disk was declared; what few files leave free on a large disk takes none, so half of the host's memory is enough
 * for as much again.
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

/** A branch of a mirror serves only its newest release: building another one's image from it would be a lie. */
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
      : `a branch serves only its newest release: declare ${served}, or use a mirror that kept ${variant.release}`,
    { where: mirror.url },
  );
}

/** The archive that tells a build guest all about the variant. */
function imageJob(
  variant: Variant,
  settings: BuildSettings,
  ids: ReturnType<typeof identifiers>,
  declaredMib: number,
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
      TARGET: "/target",
      BASE: base,
      PROXY: guestProxyAddress,
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
      ...repoKeyFiles(variant),
      ...overlayFiles(settings.overlays),
    },
  });
}

/** Text of /etc/motd: an image from another mirror than Alpine's own says so. */
function imageMotd({ motd }: Variant, { name }: MirrorSettings): string {
  return name === "official" ? motd : `${motd}\n\nBuilt from mirror: ${name}.`;
}

/** The serial console of the image: where its kernel writes, there is its login too. */
export function imageConsole(variant: Variant): string {
  const consoles = variant.kernelOptions.flatMap(
    (option) => /^console=(tty[A-Z]+\d+)/.exec(option)?.[1] ?? [],
  );
  return consoles.at(-1) ?? "ttyS0";
}
