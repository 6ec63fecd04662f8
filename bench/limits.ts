/** The parts of a build that no builder can leave out, each alone: how fast a build could be at best. */
import { closeSync, fstatSync, openSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { deflateRaw } from "node:zlib";
import pLimit from "p-limit";
import { readAt } from "../src/builder/formats/read-at.ts";
import { type MirrorSettings, mirrored } from "../src/builder/mirror.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { UserError } from "../src/lib/user-error.ts";
import type { Run } from "./comparison-table.ts";
import type { HostApk } from "./host-apk.ts";
import { runInOwnNamespaces } from "./supervised.ts";

/**
 * Installs a variant's packages with apk into an empty folder in memory, with the packages' scripts, except the kernel's trigger:
 * it would make an initramfs.
 */
const installScript = `
set -eu
mount -t tmpfs tmpfs "$ROOT"
mkdir -p "$ROOT/etc/mkinitfs"
echo 'disable_trigger="yes"' >"$ROOT/etc/mkinitfs/mkinitfs.conf"
"$APK" --root "$ROOT" --keys-dir "$KEYS" $REPOSITORIES --no-cache --no-progress add --initdb $PACKAGES
[ -z "$NOSCRIPTS" ] ||
  "$APK" --root "$ROOT" --keys-dir "$KEYS" $REPOSITORIES --no-cache --no-progress add --no-scripts $NOSCRIPTS
`;

/**
 * Measures apk alone: the same packages, from the same mirror. Needs root.
 * @param mirror over HTTP
 * @param folder an empty folder
 */
export async function measureApk(
  variant: Pick<Variant, "packages" | "repos">,
  mirror: MirrorSettings,
  apk: HostApk,
  folder: string,
): Promise<Run> {
  const { add, noScripts } = variant.packages;
  const enabled = variant.repos.filter((repo) => repo.enabled);
  const run = await runInOwnNamespaces(["sh", "-c", installScript], {
    PATH: process.env["PATH"] ?? "",
    ROOT: folder,
    APK: apk.command,
    KEYS: apk.keys,
    REPOSITORIES: enabled.map(({ url }) => `--repository ${mirrored(mirror, url)}`).join(" "),
    PACKAGES: add.join(" "),
    NOSCRIPTS: noScripts.join(" "),
  });
  if (run.exitCode !== 0) {
    throw new UserError(
      "tool-failed",
      `apk failed: ${run.output.trim().split("\n").slice(-3).join("\n")}`,
      "check that the mirror is complete",
      { where: path.basename(apk.command) },
    );
  }
  return { seconds: run.seconds, ...(run.usage === undefined ? {} : { peakMib: run.usage.peakMib }) };
}

/** The cluster of qcow2, which QEMU compresses one by one. */
const clusterBytes = 2 ** 16;

/** As QEMU compresses: raw deflate, the default level, a window of 4 KiB, and the most memory. */
const qemuDeflate = { windowBits: 12, memLevel: 9 };
const compress = promisify<Buffer, typeof qemuDeflate, Buffer>(deflateRaw);

/** Measures the compression alone: a disk's clusters, in memory before and after, on all cores. */
export async function measureCompression(disk: string): Promise<Run> {
  const clusters = clustersWithData(disk);
  const limit = pLimit(os.availableParallelism());
  const begun = performance.now();
  await Promise.all(clusters.map((cluster) => limit(() => compress(cluster, qemuDeflate))));
  return { seconds: (performance.now() - begun) / 1000 };
}

/** The clusters of a disk that are not all zeroes. */
function clustersWithData(disk: string): Buffer[] {
  const descriptor = openSync(disk, "r");
  try {
    const zeroes = Buffer.alloc(clusterBytes);
    const clusters: Buffer[] = [];
    for (let position = 0; position < fstatSync(descriptor).size; position += clusterBytes) {
      const cluster = readAt(descriptor, position, clusterBytes);
      if (!cluster.equals(zeroes)) clusters.push(cluster);
    }
    return clusters;
  } finally {
    closeSync(descriptor);
  }
}
