/** Checks the partition table and the filesystems. */
import { type Check, contains, equal, none } from "../../lib/checks.ts";
import { releaseTime } from "../../configuration/release-time.ts";
import { blockBytes, type DiskFacts, type PartitionTable } from "./facts.ts";
import type { ExpectedDisk } from "./check-facts.ts";

const sectorsPerMib = 2048;
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
  const { table, single } = facts;
  const sectors = expected.diskSizeMib * sectorsPerMib;
  return [
    equal("size of the disk, in sectors", Number(single.get("sectors")), sectors),
    equal("partition table", single.get("table-check"), "No errors detected."),
    ...(expected.variant.firmware === "bios"
      ? biosPartitions(table, facts, expected)
      : uefiPartitions(table, sectors, facts, expected)),
  ];
}

function biosPartitions(
  table: PartitionTable | undefined,
  { single, sums }: DiskFacts,
  { ids, declaredMib }: ExpectedDisk,
): Check[] {
  const described = (table?.partitions ?? []).map(
    ({ start, size, type, bootable }) =>
      `${start}+${size} ${type} ${bootable === true ? "active" : "inactive"}`,
  );
  return [
    equal("type of the partition table", table?.label, "dos"),
    equal("identifier of the disk", table?.id, `0x${ids.diskId}`),
    equal(
      "partitions",
      described.join(", "),
      `${sectorsPerMib}+${(declaredMib - 1) * sectorsPerMib} 83 active`,
    ),
    equal(
      "boot code of the disk",
      single.get("boot-code"),
      sums.get("usr/share/syslinux/mbr.bin") ?? "known",
    ),
    equal("boot sector of the root filesystem", single.get("boot-sector"), "SYSLINUX"),
  ];
}

function uefiPartitions(
  table: PartitionTable | undefined,
  sectors: number,
  { single, efiFiles }: DiskFacts,
  { ids, variant, declaredMib }: ExpectedDisk,
): Check[] {
  const described = (table?.partitions ?? []).map(({ start, size, type, uuid, name }) =>
    `${name} ${start}+${size} ${type} ${uuid}`.toLowerCase(),
  );
  // The first MiB contains the EFI system partition; the last one is reserved for the backup of the table.
  const rootSectors = (declaredMib - 2) * sectorsPerMib;
  const wanted = [
    `EFI 1024+1024 C12A7328-F81F-11D2-BA4B-00A0C93EC93B ${ids.efiPartitionUuid}`,
    `/ ${sectorsPerMib}+${rootSectors} 0FC63DAF-8483-4772-8E79-3D69D8477DE4 ${ids.rootPartitionUuid}`,
  ];
  const suffix = variant.arch === "aarch64" ? "aa64" : "x64";
  const loaders = [`/EFI/alpine/grub${suffix}.efi`, `/EFI/boot/boot${suffix}.efi`];
  const volumeId = `${ids.efiVolumeId.slice(0, 4)}-${ids.efiVolumeId.slice(4)}`.toUpperCase();
  return [
    equal("type of the partition table", table?.label, "gpt"),
    equal("identifier of the disk", table?.id.toLowerCase(), ids.diskUuid),
    equal("partitions", described.join(", "), wanted.join(", ").toLowerCase()),
    equal("last usable sector", table?.lastlba, sectors - 1 - backupTableSectors),
    equal("backup of the partition table, in the last sector", single.get("last-sector"), "EFI PART"),
    {
      name: "EFI system partition",
      passed: [`LABEL="EFI"`, `UUID="${volumeId}"`, `TYPE="vfat"`].every((word) =>
        single.get("efi-volume")?.split(" ").includes(word),
      ),
      found: single.get("efi-volume") ?? "nothing",
    },
    contains("files of the EFI system partition", efiFiles.keys(), loaders, { others: false }),
    equal(
      "bootloader in the fallback path",
      efiFiles.get(loaders[1]!),
      efiFiles.get(loaders[0]!) ?? `the one at ${loaders[0]!}`,
    ),
  ];
}

export function filesystemChecks(facts: DiskFacts, { ids, variant }: ExpectedDisk): Check[] {
  const { filesystem, single, table } = facts;
  const features = (filesystem.get("Filesystem features") ?? "").split(" ").filter(Boolean);
  const written = (name: string): Check =>
    equal(`filesystem: ${name}`, Date.parse(`${filesystem.get(name)} UTC`) / 1000, releaseTime(variant));
  const field = (name: string, wanted: string): Check =>
    equal(`filesystem: ${name}`, filesystem.get(name), wanted);
  const sectors = table?.partitions.at(-1)?.size ?? 0;
  return [
    equal("filesystem: errors that e2fsck finds", single.get("fsck"), "0"),
    field("Filesystem volume name", "/"),
    field("Filesystem UUID", ids.rootUuid),
    field("Directory Hash Seed", ids.rootUuid),
    field("Filesystem state", "clean"),
    field("Block size", String(blockBytes)),
    field("Block count", String(Math.floor(sectors / 8))),
    field("Mount count", "0"),
    field("Journal start", "0"),
    none(
      "filesystem: features that a bootloader cannot read",
      features.filter((feature) => !bootableFeatures.has(feature)),
    ),
    contains("filesystem: features", features, ["has_journal", "extent", "filetype"], { others: true }),
    ...["Filesystem created", "Last write time", "Last checked"].map(written),
  ];
}
