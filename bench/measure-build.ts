/** Measures one build, described on stdin. `bench build` starts this program for each build. */
import { clouds } from "../clouds/registry.ts";
import { bootCloudOf } from "../src/boot-test/boot-cloud.ts";
import { rmSync } from "node:fs";
import { json } from "node:stream/consumers";
import type { Variant } from "../src/configuration/variant.ts";
import { bootTest } from "../src/boot-test/boot-test.ts";
import { buildDisk } from "../src/builder/build-disk.ts";
import type { BuildSettings } from "../src/builder/build-settings.ts";
import { startProgress } from "../src/builder/progress.ts";
import { withBuildSlot } from "../src/builder/slots.ts";
import { runCommand } from "../src/lib/command.ts";
import type { ErrorCode } from "../src/lib/error-codes.ts";
import { UserError } from "../src/lib/user-error.ts";
import { scratchFolder } from "../src/lib/workspace.ts";
import { peakMib } from "./machine.ts";

/** Whether a build may use the results of earlier builds. */
export type Caches = "cold" | "warm";

/** The build to measure. */
export interface MeasureBuild {
  variant: Variant;
  settings: BuildSettings;
  caches: Caches;
  /** Whether to boot-test the image, too. */
  boot: boolean;
  /** A folder that gets the image; undefined to delete it. */
  keepIn?: string;
}

/** The measurements of a build and its boot test. */
export interface Measurement {
  image: string;
  caches: Caches;
  isolation?: "vm" | "namespace";
  accelerator?: string;
  buildSeconds?: number;
  convertSeconds?: number;
  /** Seconds by phase of the build, including conversion. */
  phases?: Record<string, number>;
  bootSeconds?: number;
  bootChecks?: number;
  bytes?: number;
  sha512?: string;
  /** How many checks the finished disk passed. A failed check fails the build. */
  diskChecks?: number;
  /** Peak memory of the process on the host. */
  hostMib: number;
  /** Why the build or the boot test failed. */
  error?: string;
  /** The error's code. */
  errorCode?: ErrorCode;
  /** The image, if it was kept. */
  file?: string;
}

async function measure({ variant, settings, caches, boot, keepIn }: MeasureBuild): Promise<Measurement> {
  const measurement: Measurement = { image: variant.imageKey, caches, hostMib: 0 };
  const out = keepIn ?? scratchFolder("bench");
  try {
    const progress = startProgress(`${variant.name} (${caches})`);
    const image = await buildDisk(variant, settings, out, progress, {
      dataSource: bootCloudOf(clouds, variant.cloud).dataSource,
      useCache: caches === "warm",
    });
    const phases = progress.seconds();
    Object.assign(measurement, {
      isolation: image.isolation,
      accelerator: image.accelerator,
      buildSeconds: Object.values(phases).reduce((sum, seconds) => sum + seconds, 0),
      convertSeconds: phases["check and convert"] ?? 0,
      phases,
      bytes: image.size,
      sha512: image.sha512,
      diskChecks: image.diskCheck.passed,
      ...(keepIn === undefined ? {} : { file: image.file }),
    });
    if (boot) {
      const tested = await bootTest(variant, image, clouds, progress);
      Object.assign(measurement, { bootSeconds: tested.seconds, bootChecks: tested.checks.length });
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    Object.assign(measurement, { error: error.what, errorCode: error.code });
  } finally {
    if (keepIn === undefined) rmSync(out, { recursive: true, force: true });
  }
  return { ...measurement, hostMib: peakMib() };
}

await runCommand(undefined, async () => {
  const job = (await json(process.stdin)) as MeasureBuild;
  const measurement = await withBuildSlot(job.settings.slots, job.variant.name, () => measure(job));
  process.stdout.write(JSON.stringify(measurement));
});
