/** Measures builds and boot tests of images, one row for each image and state of the caches. */
import pLimit from "p-limit";
import type { BuildSettings } from "../src/builder/build-settings.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { groupBy } from "../src/lib/group-by.ts";
import { figureColumns, figureRows } from "../src/lib/table.ts";
import type { Caches, Measurement } from "./measure-build.ts";
import { measureBuild } from "./measure.ts";
import { median, medianPhases, rangeText } from "./statistics.ts";

/** How to measure images. */
export interface ImagesOptions {
  caches: readonly Caches[];
  /** Whether to boot-test each image, after its last build. */
  boot: boolean;
  /** How often each image is built, for each state of the caches. */
  runs: number;
  /** How many images are measured at once. */
  atOnce: number;
}

/** Builds images and boot-tests them. A failure is part of the measurement. */
export async function measureImages(
  variants: readonly Variant[],
  settings: BuildSettings,
  { caches, boot, runs, atOnce }: ImagesOptions,
): Promise<Measurement[]> {
  const limit = pLimit(atOnce);
  const builds = caches.flatMap((one) => Array.from({ length: runs }, () => one));
  const measureOne = async (variant: Variant): Promise<Measurement[]> => {
    const measured: Measurement[] = [];
    for (const [index, caches] of builds.entries()) {
      const isLast = index === builds.length - 1;
      const { result } = await measureBuild({ variant, settings, caches, boot: boot && isLast });
      // The table is printed only at the end, possibly hours later.
      process.stderr.write(`${JSON.stringify(result)}\n`);
      measured.push(result);
    }
    return measured;
  };
  return (await Promise.all(variants.map((variant) => limit(measureOne, variant)))).flat();
}

/** Images whose builds differ. */
export function differing(measurements: readonly Measurement[]): string[] {
  return [...groupBy(measurements, ({ image }) => image)]
    .filter(([, builds]) => new Set(builds.flatMap(({ sha512 }) => sha512 ?? [])).size > 1)
    .map(([image]) => image);
}

/** A row for each image and state of the caches, with the medians of its runs. */
export function imagesTable(measurements: readonly Measurement[]): string {
  const different = differing(measurements);
  const builds = groupBy(measurements, ({ image }) => image);
  const bytes = ({ image, error }: Measurement): string => {
    if (error !== undefined) return "failed";
    if (different.includes(image)) return "differ";
    return builds.get(image)!.length > 1 ? "same" : "";
  };
  const rows = [...groupBy(measurements, keyOf).values()].map((runs) => {
    const last = runs.at(-1)!;
    const middle = (
      field: "buildSeconds" | "convertSeconds" | "bootSeconds" | "hostMib",
    ): number | undefined => median(runs.flatMap((run) => run[field] ?? []));
    const range = rangeText(runs.flatMap(({ buildSeconds }) => buildSeconds ?? []));
    return {
      image: last.image,
      caches: last.caches,
      "build s": middle("buildSeconds")?.toFixed(1) ?? "",
      ...(runs.length > 1 ? { runs: runs.length, "min–max": range } : {}),
      "of it check and convert s": middle("convertSeconds")?.toFixed(1) ?? "",
      "boot test s": middle("bootSeconds")?.toFixed(1) ?? "",
      "disk / boot checks": `${last.diskChecks ?? ""} / ${last.bootChecks ?? ""}`,
      "file MiB": last.bytes === undefined ? "" : (last.bytes / 2 ** 20).toFixed(1),
      "host MiB": Math.round(middle("hostMib") ?? 0),
      bytes: bytes(runs.find(({ error }) => error !== undefined) ?? last),
      accelerator: last.accelerator ?? "",
    };
  });
  return figureRows(rows);
}

/** A column for each image and state of the caches, with the median of each phase. Phases below 0.05 s are left out. */
export function phasesOfImages(measurements: readonly Measurement[]): string {
  return figureColumns(
    [...groupBy(measurements, keyOf)].map(([key, runs]) => ({
      seconds: key,
      ...medianPhases(runs),
    })),
  );
}

const keyOf = ({ image, caches }: Measurement): string => `${image} ${caches}`;
