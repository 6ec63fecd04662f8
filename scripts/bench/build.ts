import { rmSync } from "node:fs";
import { loadVariants } from "../../configs/index.ts";
import { idlePatterns, isSelected } from "../../configs/select.ts";
import { readStackFile } from "../../configs/settings.ts";
import type { Variant } from "../../configs/variant.ts";
import { bootTest } from "../boot-test/boot-test.ts";
import { buildDisk } from "../build/build-disk.ts";
import { type BuildSettings, buildSettings } from "../build/build-settings.ts";
import { startProgress } from "../build/progress.ts";
import { withBuildSlot } from "../build/slots.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot, scratchFolder } from "../lib/workspace.ts";
import { machine, peakMib, printColumns, printRows } from "./table.ts";

/** Whether a build may use what earlier builds made. */
type Caches = "cold" | "warm";

export interface BuildOptions {
  only: string[];
  skip?: string[];
  stack: string;
  caches: Caches[];
  boot: boolean;
  phases: boolean;
  json: boolean;
}

/** One build of an image, and its boot test: the last one's, for the same bytes boot the same. */
interface Measurement {
  image: string;
  caches: Caches;
  accelerator?: string;
  buildSeconds?: number;
  convertSeconds?: number;
  /** Seconds by phase of the build, conversion included. */
  phases?: Record<string, number>;
  bootSeconds?: number;
  bootChecks?: number;
  bytes?: number;
  sha512?: string;
  /** Checks of the finished disk that passed: all there are. */
  diskChecks?: number;
  /** The most memory that the host's process had until then. */
  hostMib: number;
  /** Why there is no image, or why it does not count as one. */
  error?: string;
}

/** Builds images, boot-tests them, and prints what that took; an image that fails is shown as that. */
export async function benchBuild(options: BuildOptions): Promise<void> {
  const settings = buildSettings(readStackFile(projectRoot, options.stack));
  const measurements: Measurement[] = [];
  for (const variant of selectedVariants(options)) {
    for (const caches of options.caches) {
      measurements.push(
        await withBuildSlot(settings.slots, variant.name, () =>
          measure(variant, settings, caches, options.boot && caches === options.caches.at(-1)),
        ),
      );
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(measurements, undefined, 2)}\n`);
  else print(measurements, options.phases);
  const failed = measurements.filter(({ error }) => error !== undefined);
  const differing = differingImages(measurements);
  if (failed.length + differing.length === 0) return;
  throw new UserError(
    [
      ...failed.map(({ image, caches, error }) => `${image} (${caches}): ${error}`),
      ...differing.map((image) => `${image}: cold and warm builds differ`),
    ].join("\n"),
  );
}

function selectedVariants({ only, skip = [] }: BuildOptions): Variant[] {
  const all = loadVariants({ root: projectRoot });
  const idle = idlePatterns(all, { only, skip });
  if (idle.length > 0) {
    throw new UserError(`no image matches ${idle.join(" or ")}`, "`npm run images` lists them");
  }
  return all.filter((variant) => isSelected(variant, { only, skip }));
}

async function measure(
  variant: Variant,
  settings: BuildSettings,
  caches: Caches,
  boot: boolean,
): Promise<Measurement> {
  const measurement: Measurement = { image: variant.imageKey, caches, hostMib: 0 };
  const out = scratchFolder("bench");
  try {
    const progress = startProgress(`${variant.name} (${caches})`);
    const image = await buildDisk(variant, settings, out, progress, { useCache: caches === "warm" });
    const phases = progress.seconds();
    Object.assign(measurement, {
      accelerator: image.accelerator,
      buildSeconds: Object.values(phases).reduce((sum, seconds) => sum + seconds, 0),
      convertSeconds: phases["convert"] ?? 0,
      phases,
      bytes: image.size,
      sha512: image.sha512,
      diskChecks: image.diskCheck.passed,
    });
    if (boot) {
      const tested = await bootTest(variant, image, progress);
      Object.assign(measurement, { bootSeconds: tested.seconds, bootChecks: tested.checks.length });
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    measurement.error = error.what;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
  return { ...measurement, hostMib: peakMib() };
}

/** Images whose builds did not all have the same bytes. */
function differingImages(measurements: readonly Measurement[]): string[] {
  const digests = new Map<string, Set<string>>();
  for (const { image, sha512 } of measurements) {
    if (sha512 !== undefined) digests.set(image, (digests.get(image) ?? new Set()).add(sha512));
  }
  return [...digests].filter(([, found]) => found.size > 1).map(([image]) => image);
}

function print(measurements: readonly Measurement[], withPhases: boolean): void {
  const differing = differingImages(measurements);
  const comparedImages = measurements
    .map(({ image }) => image)
    .filter((image, index, all) => all.indexOf(image) !== index);
  const number = (value: number | undefined): string => value?.toFixed(1) ?? "";
  printRows(
    measurements.map((one) => ({
      image: one.image,
      caches: one.caches,
      "build s": number(one.buildSeconds),
      "of it convert s": number(one.convertSeconds),
      "boot test s": number(one.bootSeconds),
      "disk / boot checks": `${one.diskChecks ?? ""} / ${one.bootChecks ?? ""}`,
      "file MiB": number(one.bytes === undefined ? undefined : one.bytes / 2 ** 20),
      "host MiB": one.hostMib,
      bytes:
        one.error !== undefined
          ? "failed"
          : differing.includes(one.image)
            ? "differ"
            : comparedImages.includes(one.image)
              ? "same"
              : "",
      accelerator: one.accelerator ?? "",
    })),
  );
  if (withPhases) {
    printColumns(
      measurements.map(({ image, caches, phases = {} }) => ({
        seconds: `${image} ${caches}`,
        ...Object.fromEntries(Object.entries(phases).filter(([, seconds]) => seconds >= 0.05)),
      })),
    );
  }
  process.stdout.write(`${machine()}\n`);
}
