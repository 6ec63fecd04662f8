/** Builds all images of a release, as many at once as asked, and adds up what that took. */
import path from "node:path";
import type { BuildSettings } from "../src/builder/build-settings.ts";
import type { MadeKind } from "../src/builder/made-files.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { groupBy } from "../src/lib/group-by.ts";
import { figureRows } from "../src/lib/table.ts";
import { measureImages } from "./images.ts";
import type { Measurement } from "./measure-build.ts";
import { emptyMadeFiles, keptFiles } from "./measure.ts";
import { lacks } from "./rounds.ts";

/** A release's images, built once. */
export interface Fleet {
  isolation: string;
  atOnce: number;
  clouds: number;
  /** From the start of the first build to the end of the last. */
  seconds: number;
  measurements: Measurement[];
  /** How many base trees and initramfs archives they share. */
  bases: number;
  initramfs: number;
  /** Why images were not built although this machine has what they need. */
  failures: string[];
}

/** Builds, checks and converts images from empty caches. */
export async function buildFleet(
  variants: readonly Variant[],
  settings: BuildSettings,
  atOnce: number,
): Promise<Fleet> {
  emptyMadeFiles();
  const begun = performance.now();
  const measurements = await measureImages(variants, settings, {
    caches: ["warm"],
    boot: false,
    runs: 1,
    atOnce,
  });
  return {
    isolation: settings.isolation ?? "auto",
    atOnce,
    clouds: new Set(variants.map(({ cloud }) => cloud)).size,
    seconds: (performance.now() - begun) / 1000,
    measurements,
    bases: countOf("base"),
    initramfs: countOf("initramfs"),
    failures: measurements
      .filter(({ error, errorCode }) => error !== undefined && !(errorCode && lacks.includes(errorCode)))
      .map(({ image, error }) => `${image}: ${error}`),
  };
}

/** How many files of a kind are kept, without their digests and locks. */
function countOf(kind: MadeKind): number {
  return keptFiles(kind).filter((file) => path.extname(file) === "").length;
}

/** The phase in which a disk is made. An image that finds a ready disk does not have it. */
const diskPhase = "make the disk";

/** A row for each isolation, then the reasons why images were not built. */
export function fleetTable(fleets: readonly Fleet[]): string {
  const rows = fleets.map(({ measurements, ...fleet }) => {
    const built = measurements.filter(({ error }) => error === undefined);
    const bytes = built.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
    return {
      isolation: fleet.isolation,
      "at once": fleet.atOnce,
      clouds: fleet.clouds,
      images: measurements.length,
      "not built": measurements.length - built.length,
      bases: fleet.bases,
      initramfs: fleet.initramfs,
      disks: built.filter(({ phases = {} }) => phases[diskPhase] !== undefined).length,
      files: built.length,
      "files MiB": Math.round(bytes / 2 ** 20),
      "total s": fleet.seconds.toFixed(1),
      "s per file": built.length === 0 ? "" : (fleet.seconds / built.length).toFixed(1),
    };
  });
  const reasons = fleets.flatMap(({ isolation, measurements }) => {
    const errors = measurements.flatMap(({ error }) => error?.split("\n")[0] ?? []);
    return [...groupBy(errors, (error) => error)].map(
      ([reason, { length }]) => `${isolation}, ${length} images not built: ${reason}`,
    );
  });
  return [figureRows(rows), ...reasons].join("\n");
}
