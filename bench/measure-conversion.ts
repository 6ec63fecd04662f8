/** Measures the conversion of a ready disk, described on stdin. `bench build` starts this program for each conversion. */
import { rmSync } from "node:fs";
import { json } from "node:stream/consumers";
import { convertDisk } from "../src/builder/formats/convert.ts";
import { identifiers, inputsDigest } from "../src/builder/inputs.ts";
import type { BuildSettings } from "../src/builder/build-settings.ts";
import { releaseTime } from "../src/configuration/release-time.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { runCommand } from "../src/lib/command.ts";
import { scratchFolder } from "../src/lib/workspace.ts";

/** The conversion to measure. */
export interface MeasureConversion {
  variant: Variant;
  settings: BuildSettings;
  /** The raw disk. */
  disk: string;
}

/** The measurement of a conversion. */
export interface ConversionMeasurement {
  /** Of the conversion, the comparison with the disk, and the digests. */
  seconds: number;
  sha512: string;
}

await runCommand(undefined, async () => {
  const { variant, settings, disk } = (await json(process.stdin)) as MeasureConversion;
  const scratch = scratchFolder("bench");
  try {
    const uniqueId = identifiers(inputsDigest(variant, settings)).fileUuid;
    const begun = performance.now();
    const { sha512 } = await convertDisk(disk, scratch, variant, { uniqueId, time: releaseTime(variant) });
    const seconds = (performance.now() - begun) / 1000;
    const measurement: ConversionMeasurement = { seconds, sha512 };
    process.stdout.write(JSON.stringify(measurement));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
