/** `npm run bench -- build`: measures builds and boot tests. */
import { clouds } from "../clouds/registry.ts";
import path from "node:path";
import { execa } from "execa";
import pLimit from "p-limit";
import { loadVariants } from "../src/configuration/index.ts";
import { idlePatterns, isSelected } from "../src/configuration/select.ts";
import { readStackFile } from "../src/configuration/settings.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { buildSettings } from "../src/builder/build-settings.ts";
import { print } from "../src/lib/command.ts";
import { figureColumns, figureRows } from "../src/lib/table.ts";
import { UserError } from "../src/lib/user-error.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import type { Caches, MeasureBuild, Measurement } from "./measure-build.ts";
import { machine } from "./machine.ts";

export interface BuildOptions {
  only: string[];
  skip?: string[];
  stack: string;
  caches: Caches[];
  boot: boolean;
  atOnce: string;
  phases: boolean;
  json: boolean;
}

/** Builds and boot-tests images and prints the measurements. Failed images are listed as such. */
export async function benchBuild(options: BuildOptions): Promise<void> {
  const settings = buildSettings(readStackFile(projectRoot, options.stack, clouds));
  const begun = performance.now();
  const limit = pLimit(Number(options.atOnce));
  const measurements = (
    await Promise.all(
      selectedVariants(options).map((variant) =>
        limit(async () => {
          const measured: Measurement[] = [];
          for (const caches of options.caches) {
            const boot = options.boot && caches === options.caches.at(-1);
            const one = await measure({ variant, settings, caches, boot });
            // The table is printed only at the end, possibly hours later.
            process.stderr.write(`${JSON.stringify(one)}\n`);
            measured.push(one);
          }
          return measured;
        }),
      ),
    )
  ).flat();
  const minutes = (performance.now() - begun) / 60_000;
  const beside = options.atOnce === "1" ? "" : `, ${options.atOnce} at once`;
  const end = `${measurements.length} builds in ${minutes.toFixed(1)} minutes${beside}`;
  const table = [...tables(measurements, options.phases), machine(), end].join("\n");
  print({ text: options.json ? JSON.stringify(measurements, undefined, 2) : table, warnings: [] });
  const failed = measurements.filter(({ error }) => error !== undefined);
  const differing = differingImages(measurements);
  if (failed.length + differing.length === 0) return;
  throw new UserError(
    "benchmark-failed",
    [
      ...failed.map(({ image, caches, error }) => `${image} (${caches}): ${error}`),
      ...differing.map((image) => `${image}: cold and warm builds differ`),
    ].join("\n"),
  );
}

function selectedVariants({ only, skip = [] }: BuildOptions): Variant[] {
  const all = loadVariants({ root: projectRoot, clouds });
  const idle = idlePatterns(all, { only, skip });
  if (idle.length > 0) {
    throw new UserError(
      "selection-empty",
      `no image matches ${idle.join(" or ")}`,
      "`npm run images` lists all images",
      { where: "--only, --skip" },
    );
  }
  return all.filter((variant) => isSelected(variant, { only, skip }));
}

/** Measures in a new process, so that its memory usage is that of this build. */
async function measure(job: MeasureBuild): Promise<Measurement> {
  const program = path.join(import.meta.dirname, "measure-build.ts");
  const { stdout } = await execa(process.execPath, [program], {
    cwd: projectRoot,
    stderr: "inherit",
    input: JSON.stringify(job),
  });
  return JSON.parse(stdout) as Measurement;
}

/** Images whose builds differ. */
function differingImages(measurements: readonly Measurement[]): string[] {
  const digests = new Map<string, Set<string>>();
  for (const { image, sha512 } of measurements) {
    if (sha512 !== undefined) digests.set(image, (digests.get(image) ?? new Set()).add(sha512));
  }
  return [...digests].filter(([, found]) => found.size > 1).map(([image]) => image);
}

function tables(measurements: readonly Measurement[], withPhases: boolean): string[] {
  const differing = differingImages(measurements);
  const comparedImages = measurements
    .map(({ image }) => image)
    .filter((image, index, all) => all.indexOf(image) !== index);
  const number = (value: number | undefined): string => value?.toFixed(1) ?? "";
  const builds = figureRows(
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
  if (!withPhases) return [builds];
  const phases = figureColumns(
    measurements.map(({ image, caches, phases = {} }) => ({
      seconds: `${image} ${caches}`,
      ...Object.fromEntries(Object.entries(phases).filter(([, seconds]) => seconds >= 0.05)),
    })),
  );
  return [builds, "", phases, ""];
}
