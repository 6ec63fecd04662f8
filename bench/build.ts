/** `npm run bench -- build`: compares builders, builds a whole release, or measures images one by one. */
import { clouds } from "../clouds/registry.ts";
import { type BuildSettings, buildSettings } from "../src/builder/build-settings.ts";
import { loadVariants } from "../src/configuration/index.ts";
import { idlePatterns, isSelected } from "../src/configuration/select.ts";
import { readStackFile } from "../src/configuration/settings.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { print } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { compare, imageToCompare } from "./compare.ts";
import { comparisonTable, differingImages, phaseTable } from "./comparison-table.ts";
import { buildFleet, type Fleet, fleetTable } from "./fleet.ts";
import { imagesTable, differing, measureImages, phasesOfImages } from "./images.ts";
import { machine } from "./machine.ts";
import type { Caches } from "./measure-build.ts";
import { between, type Isolation, readIsolations } from "./options.ts";
import { findPeer } from "./peer.ts";

export interface BuildOptions {
  /** @default what each kind of benchmark says */
  only?: string[];
  skip?: string[];
  stack: string;
  caches: Caches[];
  boot: boolean;
  /** @default 1, or 2 for a whole release */
  atOnce?: string;
  /** @default 1, or 3 for a comparison */
  runs?: string;
  /** The isolations to compare, with commas between. */
  isolation?: string;
  /** The peer's script, or its folder. */
  against?: string;
  /** Builds all images of a release. */
  fleet: boolean;
  phases: boolean;
  json: boolean;
}

/** The release that is measured unless `--only` names another. */
const release = "3.23.6";

/** Runs the benchmark that the options choose, prints its table, and fails if builds failed or differ. */
export async function benchBuild(options: BuildOptions): Promise<void> {
  const settings = buildSettings(readStackFile(projectRoot, options.stack, clouds));
  if (options.fleet) return benchFleet(options, settings);
  const isComparison = options.against !== undefined || options.isolation !== undefined;
  return isComparison ? benchComparison(options, settings) : benchImages(options, settings);
}

/** This project's builders, and the peer if one is given, on the same image. */
async function benchComparison(options: BuildOptions, settings: BuildSettings): Promise<void> {
  const variant = imageToCompare(selectedVariants(options, `${release}-x86_64-bios-tiny-nocloud`));
  const rows = await compare({
    variant,
    all: allVariants(),
    settings,
    isolations: isolationsOf(options, settings),
    peer: options.against === undefined ? undefined : await findPeer(options.against, variant),
    runs: between(1, 1000, "--runs", options.runs ?? "3"),
  });
  const table = [comparisonTable(rows), ...(options.phases ? ["", phaseTable(rows), ""] : []), machine()];
  printResult(options, rows, table);
  fail([
    ...rows
      .filter(({ failed }) => failed)
      .map(({ builder, what, reason }) => `${builder}, ${what}: ${reason}`),
    ...differingImages(rows).map((image) => `${image}: builds differ`),
  ]);
}

/** All images of a release from empty caches, once for each isolation. */
async function benchFleet(options: BuildOptions, settings: BuildSettings): Promise<void> {
  const variants = selectedVariants(options, release);
  const atOnce = between(1, 1000, "--at-once", options.atOnce ?? "2");
  const fleets: Fleet[] = [];
  for (const isolation of isolationsOf(options, settings))
    fleets.push(await buildFleet(variants, { ...settings, isolation }, atOnce));
  const phases = options.phases ? fleets.flatMap((fleet) => [phasesOfImages(fleet.measurements), ""]) : [];
  printResult(options, fleets, [...phases, fleetTable(fleets), machine()]);
  fail(fleets.flatMap(({ failures }) => failures));
}

/** Images one by one, each with and without caches, and their boot tests. Failed images are listed as such. */
async function benchImages(options: BuildOptions, settings: BuildSettings): Promise<void> {
  const begun = performance.now();
  const atOnce = between(1, 1000, "--at-once", options.atOnce ?? "1");
  const runs = between(1, 1000, "--runs", options.runs ?? "1");
  const { caches, boot } = options;
  const variants = selectedVariants(options, `${release}-x86_64-*-tiny-nocloud`);
  const measurements = await measureImages(variants, settings, { caches, boot, runs, atOnce });
  const minutes = (performance.now() - begun) / 60_000;
  const beside = atOnce === 1 ? "" : `, ${atOnce} at once`;
  const end = `${measurements.length} builds in ${minutes.toFixed(1)} minutes${beside}`;
  const phases = options.phases ? ["", phasesOfImages(measurements), ""] : [];
  printResult(options, measurements, [imagesTable(measurements), ...phases, machine(), end]);
  fail([
    ...measurements
      .filter(({ error }) => error !== undefined)
      .map(({ image, caches, error }) => `${image} (${caches}): ${error}`),
    ...differing(measurements).map((image) => `${image}: builds differ`),
  ]);
}

function printResult({ json }: BuildOptions, result: unknown, lines: readonly string[]): void {
  print({ text: json ? JSON.stringify(result, undefined, 2) : lines.join("\n"), warnings: [] });
}

function fail(failures: readonly string[]): void {
  if (failures.length > 0) throw new UserError("benchmark-failed", failures.join("\n"));
}

/** The isolations of `--isolation`, or the one that the stack sets. */
function isolationsOf({ isolation }: BuildOptions, settings: BuildSettings): Isolation[] {
  return isolation === undefined ? [settings.isolation ?? "auto"] : readIsolations(isolation);
}

const allVariants = (): Variant[] => loadVariants({ root: projectRoot, clouds });

/** The images that `--only` and `--skip` select. @param otherwise the pattern if there is no `--only` */
function selectedVariants({ only = [], skip = [] }: BuildOptions, otherwise: string): Variant[] {
  const all = allVariants();
  const patterns = { only: only.length > 0 ? only : [otherwise], skip };
  const idle = idlePatterns(all, patterns);
  if (idle.length > 0) {
    throw new UserError(
      "selection-empty",
      `no image matches ${idle.join(" or ")}`,
      "`npm run images` lists all images",
      { where: "--only, --skip" },
    );
  }
  return all.filter((variant) => isSelected(variant, patterns));
}
