/** Checks the partition table and the filesystems. */
import { type Check, contains, equal, none } from "../../lib/checks.ts";
import { releaseTime } from "../../configuration/release-time.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";
import type { ExpectedDisk } from "./check-facts.ts";

const sectorBytes = 512;
const sectorsPerMib = 2 ** 20 / sectorBytes;
/** Of the root filesystem. */
const blockBytes = 4096;
/** Size of the backup GPT (entries and header), which follows the last usable sector. */
const backupTableSectors = 33;

/**
 * Features that both GRUB 2.06 and SYSLINUX 6.04 can read or ignore. If a later mke2fs enables others by default, the
 * check fails.
 */
const bootableFeatures = new Set([
  "has_journal",
  "ext_attr",
  "resize_inode",
  "dir_index",
  "filetype",
  "extent",
  "flex_bg",
  "sparse_super",
  "large_file",
  "huge_file",
  "dir_nlink",
  "extra_isize",
  "metadata_csum",
]);

export function partitionChecks(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  const sectors = expected.diskSizeMib * sectorsPerMib;
  return [
    equal("size of the disk, in sectors", facts.size / sectorBytes, sectors),
    ...(expected.variant.firmware === "bios"
      ? biosPartitions(facts, expected)
      : uefiPartitions(facts, sectors, expected)),
  ];
}

/** Start and length in sectors. */
function place({ start, length }: DiskFacts["table"]["partitions"][number]): string {
  return `${start / sectorBytes}+${length / sectorBytes}`;
}

function biosPartitions(
  { table, sums, bootCode, bootSector }: DiskFacts,
  { ids, declaredMib }: ExpectedDisk,
): Check[] {
  const described = table.partitions.map(
    (partition) => `${place(partition)} ${partition.type} ${partition.active ? "active" : "inactive"}`,
  );
  return [
    equal("type of the partition table", table.kind, "MBR"),
    equal("identifier of the disk", table.id, ids.diskId),
    equal(
      "partitions",
      described.join(", "),
      `${sectorsPerMib}+${(declaredMib - 1) * sectorsPerMib} 83 active`,
    ),
    equal("boot code of the disk", bootCode, sums.get("usr/share/syslinux/mbr.bin") ?? "known"),
    equal("boot sector of the root filesystem", bootSector, "SYSLINUX"),
  ];
}

function uefiPartitions(
  { table, efi }: DiskFacts,
  sectors: number,
  { ids, variant, declaredMib }: ExpectedDisk,
): Check[] {
  const described = table.partitions.map(
    (partition) => `${partition.name} ${place(partition)} ${partition.type} ${partition.id}`,
  );
  // The first MiB contains the EFI system partition; the last one is reserved for the backup of the table.
  const rootSectors = (declaredMib - 2) * sectorsPerMib;
  const wanted = [
    `EFI 1024+1024 c12a7328-f81f-11d2-ba4b-00a0c93ec93b ${ids.efiPartitionUuid}`,
    `/ ${sectorsPerMib}+${rootSectors} 0fc63daf-8483-4772-8e79-3d69d8477de4 ${ids.rootPartitionUuid}`,
  ];
  const suffix = variant.arch === "aarch64" ? "aa64" : "x64";
  const loaders = [`/EFI/alpine/grub${suffix}.efi`, `/EFI/boot/boot${suffix}.efi`];
  return [
    equal("type of the partition table", table.kind, "GPT"),
    equal("identifier of the disk", table.id, ids.diskUuid),
    equal("partitions", described.join(", "), wanted.join(", ")),
    equal("last usable sector", table.usableEnd / sectorBytes - 1, sectors - 1 - backupTableSectors),
    equal(
      "labels and identifier of the EFI system partition",
      efi && [efi.label, efi.rootLabel, efi.volumeId].join(", "),
      `EFI, EFI, ${ids.efiVolumeId}`,
    ),
    contains("files of the EFI system partition", efi?.files.keys() ?? [], loaders, { others: false }),
    equal(
      "bootloader in the fallback path",
      efi?.files.get(loaders[1]!),
      efi?.files.get(loaders[0]!) ?? `the one at ${loaders[0]!}`,
    ),
  ];
}

export function filesystemChecks(facts: DiskFacts, { ids, variant }: ExpectedDisk): Check[] {
  const { filesystem, table, writtenFreeBlocks } = facts;
  const { features } = filesystem;
  const released = releaseTime(variant);
  const blockCount = Math.floor((table.partitions.at(-1)?.length ?? 0) / blockBytes);
  return [
    equal("filesystem: label", filesystem.label, "/"),
    equal("filesystem: UUID", filesystem.uuid, ids.rootUuid),
    equal("filesystem: seed of directory hashes", filesystem.hashSeed, ids.rootUuid),
    equal("filesystem: state", filesystem.clean ? "clean" : "not clean", "clean"),
    equal("filesystem: block size", filesystem.blockSize, blockBytes),
    equal("filesystem: number of blocks", filesystem.blockCount, blockCount),
    equal("filesystem: number of mounts", filesystem.mountCount, 0),
    equal("filesystem: start of the journal's replay", filesystem.journalStart, 0),
    none(
      "filesystem: features that a bootloader cannot read",
      features.filter((feature) => !bootableFeatures.has(feature)),
    ),
    contains("filesystem: features", features, ["has_journal", "extent", "filetype"], { others: true }),
    equal("filesystem: time of its creation", filesystem.created, released),
    equal("filesystem: time of its last write", filesystem.written, released),
    equal("filesystem: time of its last check", filesystem.checked, released),
    // Blocks from the build would be data that nobody meant to publish, and take space in the image.
    none(
      "free space that is not blank",
      writtenFreeBlocks.map(([first, last]) => `a block of ${first} to ${last}`),
    ),
  ];
}
