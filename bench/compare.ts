/** `npm run bench -- build --against PEER`: this project's builders and the peer, in one table from one run. */
import { mkdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { BuildSettings } from "../src/builder/build-settings.ts";
import type { MirrorSettings } from "../src/builder/mirror.ts";
import { qemuImg } from "../src/builder/qemu-img.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { listenOnLoopback } from "../src/lib/loopback.ts";
import { UserError } from "../src/lib/user-error.ts";
import { scratchFolder } from "../src/lib/workspace.ts";
import { mirrorServer } from "../src/remote/mirror-server.ts";
import { builderTasks } from "./compare-builder.ts";
import type { Row } from "./comparison-table.ts";
import { type HostApk, unpackApk } from "./host-apk.ts";
import { measureApk, measureCompression } from "./limits.ts";
import type { ConversionMeasurement, MeasureConversion } from "./measure-conversion.ts";
import { emptyMadeFiles, measureProgram } from "./measure.ts";
import type { Isolation } from "./options.ts";
import { type Peer, runPeer } from "./peer.ts";
import { rowOf, runRounds, type Task } from "./rounds.ts";

/** What to compare. */
export interface Comparison {
  /** The image that all builders build, as qcow2. */
  variant: Variant;
  /** All images. The next image and the one for aarch64 are among them. */
  all: readonly Variant[];
  settings: BuildSettings;
  isolations: readonly Isolation[];
  peer: Peer | undefined;
  /** How often each thing is measured. */
  runs: number;
}

/** Why rows that need a finished image have no figures. */
const noDisk = "no build gave a disk";

/**
 * Measures all rows. Before that, each builder builds each image once, unmeasured and from empty caches: then it has its tools, and
 * the caches have what the next image of the same base finds.
 */
export async function compare(comparison: Comparison): Promise<Row[]> {
  const { variant, all, settings, isolations, peer, runs } = comparison;
  const scratch = scratchFolder("compare");
  const server = mirrorServer(settings.mirror);
  try {
    const port = await listenOnLoopback(server);
    const mirror = { ...settings.mirror, url: `http://127.0.0.1:${port}` };
    emptyMadeFiles();
    const tasks: Task[] = [];
    let image: string | undefined;
    for (const isolation of isolations) {
      const builder = await builderTasks(variant, all, { ...settings, isolation }, scratch);
      image ??= builder.image;
      tasks.push(...builder.tasks);
    }
    const disk = image === undefined ? undefined : await unpackImage(image, scratch);
    const apk = hostProblemForApk(variant) ?? (await unpackApk(variant, settings.mirror, scratch));
    tasks.push(conversionTask(variant, settings, disk));
    if (peer !== undefined && "command" in apk) tasks.push(peerTask(peer, variant, mirror.url, apk, scratch));
    tasks.push(apkTask(variant, mirror, apk, scratch), compressionTask(variant, disk));
    return await runRounds(tasks, runs);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The raw disk in a qcow2 image. */
async function unpackImage(image: string, scratch: string): Promise<string> {
  const disk = path.join(scratch, "ready.raw");
  await qemuImg("convert", "-f", "qcow2", "-O", "raw", image, disk);
  return disk;
}

/** Why apk cannot install a variant's packages on this host. */
function hostProblemForApk({ arch }: Variant): { reason: string } | undefined {
  if (process.getuid?.() !== 0) return { reason: "it needs root" };
  const hostArch = { x64: "x86_64", arm64: "aarch64" }[os.arch()];
  return hostArch === arch ? undefined : { reason: `it needs a host of ${arch}` };
}

function conversionTask(variant: Variant, settings: BuildSettings, disk: string | undefined): Task {
  const row = rowOf("this", "any isolation", variant, "format only", disk === undefined ? noDisk : undefined);
  return {
    rows: [row],
    async measure() {
      const job: MeasureConversion = { variant, settings, disk: disk! };
      const { result, usage } = await measureProgram<MeasureConversion, ConversionMeasurement>(
        "measure-conversion.ts",
        job,
      );
      return [{ ...result, ...(usage === undefined ? {} : { peakMib: usage.peakMib }) }];
    },
  };
}

function peerTask(peer: Peer, variant: Variant, mirrorUrl: string, apk: HostApk, scratch: string): Task {
  const rows = (["cold", "disk only", "format only"] as const).map((what) =>
    rowOf("peer", peer.name, variant, what),
  );
  return {
    rows,
    async measure() {
      const { total, disk, conversion } = await runPeer(peer, variant, mirrorUrl, apk, scratch);
      return [total, disk, conversion];
    },
  };
}

function apkTask(
  variant: Variant,
  mirror: MirrorSettings,
  apk: HostApk | { reason: string },
  scratch: string,
): Task {
  const row = rowOf("limit", "limit", variant, "apk alone", "reason" in apk ? apk.reason : undefined);
  const folder = path.join(scratch, "apk-alone");
  mkdirSync(folder);
  return { rows: [row], measure: async () => [await measureApk(variant, mirror, apk as HostApk, folder)] };
}

function compressionTask(variant: Variant, disk: string | undefined): Task {
  const reason = disk === undefined ? noDisk : undefined;
  const row = rowOf("limit", "limit", variant, "compression alone", reason);
  return { rows: [row], measure: async () => [await measureCompression(disk!)] };
}

/**
 * The image to compare: the only one, as qcow2, because the peer makes qcow2.
 * @throws UserError if it is not the only one, or has another format
 */
export function imageToCompare(selected: readonly Variant[]): Variant {
  const [image, ...more] = selected;
  if (image === undefined || more.length > 0) {
    throw new UserError(
      "usage",
      `--against and --isolation compare one image, but --only and --skip leave ${selected.length}`,
      "name one image with --only",
      { where: "--only" },
    );
  }
  if (image.imageFormat === "qcow2") return image;
  throw new UserError(
    "usage",
    `--against and --isolation compare images in format qcow2, and ${image.imageKey} is ${image.imageFormat}`,
    "name another image with --only",
    { where: "--only" },
  );
}
