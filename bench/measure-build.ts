/** Measures one build, told on stdin, in a process of its own: `bench build` starts it. */
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
import { UserError } from "../src/lib/user-error.ts";
import { scratchFolder } from "../src/lib/workspace.ts";
import { peakMib } from "./machine.ts";

/** Whether a build may use what earlier builds made. */
export type Caches = "cold" | "warm";

/** What is to be measured. */
export interface MeasureBuild {
  variant: Variant;
  settings: BuildSettings;
  caches: Caches;
  /** Whether the image is boot-tested, too. */
  boot: boolean;
}

/** One build of an image, and its boot test. */
export interface Measurement {
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
  /** The most memory that the host's process had. */
  hostMib: number;
  /** Why there is no image, or why it does not count as one. */
  error?: string;
}

async function measure({ variant, settings, caches, boot }: MeasureBuild): Promise<Measurement> {
  const measurement: Measurement = { image: variant.imageKey, caches, hostMib: 0 };
  const out = scratchFolder("bench");
  try {
    const progress = startProgress(`${variant.name} (${caches})`);
    const image = await buildDisk(variant, settings, out, progress, {
      dataSource: bootCloudOf(clouds, variant.cloud).dataSource,
      useCache: caches === "warm",
    });
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
      const tested = await bootTest(variant, image, clouds, progress);
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

await runCommand(undefined, async () => {
  const job = (await json(process.stdin)) as MeasureBuild;
  const measurement = await withBuildSlot(job.settings.slots, job.variant.name, () => measure(job));
  process.stdout.write(JSON.stringify(measurement));
});
