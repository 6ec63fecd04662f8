/** Benchmark of previews and updates with many images. */
import { CloudFolder } from "../test/doubles/aws/cloud-folder.ts";
import { optInRegions, regionsWithoutOptIn } from "../test/doubles/aws/cloud/describe.ts";
import { publicImagesQuota } from "../test/doubles/aws/cloud/quotas.ts";
import { startMoto, type Moto } from "../test/doubles/moto.ts";
import { account, home, PublishedImages, type Scene } from "../test/e2e/published-images.ts";
import { resultOf } from "../test/helpers/pulumi-project.ts";
import type { Output } from "../src/lib/command.ts";
import { figureColumns, type Figures } from "../src/lib/table.ts";
import { UserError } from "../src/lib/user-error.ts";
import { watchSession, type Usage } from "./session-usage.ts";
import { machine } from "./machine.ts";
import { between } from "./options.ts";

/** All images in one stack, or one stack per Alpine version. */
export const layouts = ["one", "by-version"] as const;

export interface ScaleOptions {
  /** How many images, one measurement per number. */
  images: string[];
  /** How many regions each image is published to. */
  regions: string;
  layout: (typeof layouts)[number][];
  /** If false, only previews. */
  up: boolean;
  /** Deadline of a command, in seconds. */
  limit: string;
  json: boolean;
}

/** The images of an Alpine version: every kind for AWS, on the two machines of overlay `testing`. Each has its own line. */
const imagesOfVersion = [
  { arch: "x86_64", firmware: ["bios", "uefi"] },
  { arch: "aarch64", firmware: "uefi" },
].map((one) => ({ ...one, bootstrap: ["tiny", "cloudinit"], machine: ["vm", "metal"], cloud: "aws" }));
const perVersion = 12;

const newestVersion = 24;
/** The home region first, then the other region of overlay `testing`. */
const allRegions = [...new Set([home, "us-west-2", ...regionsWithoutOptIn, ...optInRegions])];

/** The commands that are measured for each stack, in this order. */
const commands = {
  preview: ["preview"],
  up: ["up", "--yes", "--skip-preview"],
  "no-op up": ["up", "--yes", "--skip-preview"],
};
type CommandName = keyof typeof commands;

/** The measurement of a command in one stack, or in several stacks together. */
interface Measured {
  seconds: number;
  /** Stopped because it took too long, so the time is a lower bound. */
  isCutOff: boolean;
  usage: Usage | undefined;
}

/**
 * `npm run bench -- scale`: publishes images of stage release to the AWS emulator with the project's own program, in a
 * new checkout. Measures the engine's time and memory. Disks are only a few KiB, so builds and uploads hardly count.
 */
export async function benchScale(options: ScaleOptions): Promise<Output> {
  const numbers = options.images.map((text) =>
    between(perVersion, allVersions().length * perVersion, "--images", text),
  );
  const odd = numbers.find((number) => number % perVersion !== 0);
  if (odd !== undefined) {
    throw new UserError(
      "usage",
      `--images ${odd} is not a multiple of ${perVersion}, the number of images of an Alpine version`,
      `use a multiple of ${perVersion}`,
      { where: "--images" },
    );
  }
  const regions = allRegions.slice(0, between(2, allRegions.length, "--regions", options.regions));
  const limit = between(1, 24 * 60 * 60, "--limit", options.limit);
  const moto = await startMoto();
  const rows: Figures[] = [];
  try {
    for (const number of numbers) {
      const versions = allVersions().slice(0, number / perVersion);
      for (const layout of options.layout) {
        // A single version is a single stack in both layouts.
        if (layout === "by-version" && versions.length === 1 && options.layout.length > 1) continue;
        const stacks = layout === "one" ? [versions] : versions.map((version) => [version]);
        rows.push(await measure(moto, { stacks, regions, limit, up: options.up }));
      }
    }
  } finally {
    moto.stop();
  }
  const text = options.json ? JSON.stringify(rows) : `${figureColumns(rows)}\n${machine()}`;
  return { text, warnings: [] };
}

/** Alpine versions, newest first. Some are fictitious, to have enough. */
function allVersions(): string[] {
  return Array.from({ length: newestVersion - 9 }, (_, i) => `3.${newestVersion - i}`);
}

interface Fleet {
  /** The versions in each stack. */
  stacks: string[][];
  regions: string[];
  limit: number;
  up: boolean;
}

async function measure(moto: Moto, { stacks, regions, limit, up }: Fleet): Promise<Figures> {
  await fetch(`${moto.url}/moto-api/reset`, { method: "POST" });
  const project = new PublishedImages(moto, sceneOf([], regions));
  const found: Record<CommandName, Measured[]> = { preview: [], up: [], "no-op up": [] };
  let resources = 0;
  // The terminal does not stop detached processes.
  const stop = (): never => {
    project.end();
    process.exit(130);
  };
  process.once("SIGINT", stop);
  try {
    for (const version of stacks.flat()) project.write(`configs/version/${version}.yaml`, "{}\n");
    await prepare(project, regions);
    for (const versions of stacks) {
      await project.beginOther(`v${versions.join("-")}`, account, sceneOf(versions, regions));
      for (const name of Object.keys(commands) as CommandName[]) {
        if (name !== "preview" && !up) break;
        const { output, ...measured } = await run(project, name, limit);
        found[name].push(measured);
        if (name === "preview") resources += Number(/\+ (\d+) to create/.exec(output)?.[1] ?? 0);
        if (measured.isCutOff) break;
      }
    }
  } finally {
    process.off("SIGINT", stop);
    project.end();
  }
  const images = stacks.flat().length * perVersion;
  const { preview, up: ups, "no-op up": noOps } = found;
  return {
    images,
    regions: regions.length,
    stacks: stacks.length,
    resources: resources || "",
    ...figures("preview", preview, stacks.length, resources),
    "preview, program MiB": most(preview, "largestMib"),
    "preview, CLI + program MiB": most(preview, "programMib"),
    ...figures("up", ups, stacks.length, resources),
    ...figures("no-op up", noOps, stacks.length, resources),
    "up, CLI + program MiB": most([...ups, ...noOps], "programMib"),
    "all, with plugins MiB": most([...preview, ...ups, ...noOps], "allMib"),
  };
}

function most(measured: readonly Measured[], which: keyof Usage): number | string {
  return Math.round(Math.max(0, ...measured.map(({ usage }) => usage?.[which] ?? 0))) || "";
}

/** Total seconds of all stacks, and milliseconds per resource; empty if a stack was not measured. */
function figures(name: CommandName, measured: Measured[], stacks: number, resources: number): Figures {
  const isCutOff = measured.some((one) => one.isCutOff);
  const isWhole = measured.length === stacks;
  if (!isWhole && !isCutOff) return {};
  const seconds = measured.reduce((sum, one) => sum + one.seconds, 0);
  const perResource = isCutOff || resources === 0 ? "" : ((seconds * 1000) / resources).toFixed(1);
  const text = isCutOff ? `> ${seconds.toFixed(0)}` : seconds.toFixed(1);
  const cpuSeconds = measured.reduce((sum, { usage }) => sum + (usage?.cpuSeconds ?? 0), 0);
  return {
    [`${name} s`]: text,
    [`${name} CPU s`]: isCutOff || cpuSeconds === 0 ? "" : cpuSeconds.toFixed(1),
    [`${name} ms/resource`]: perResource,
  };
}

async function run(
  project: PublishedImages,
  name: CommandName,
  limit: number,
): Promise<Measured & { output: string }> {
  const begun = performance.now();
  const child = project.start(...commands[name]);
  const usage = watchSession(child.pid!);
  let isCutOff = false;
  const timer = setTimeout(() => {
    isCutOff = true;
    project.killRun();
  }, limit * 1000);
  const { code, output } = await resultOf(child);
  clearTimeout(timer);
  const seconds = (performance.now() - begun) / 1000;
  const used = usage();
  if (code !== 0 && !isCutOff)
    throw new Error(`pulumi ${commands[name].join(" ")} ended with ${code}:\n${output}`);
  if (name === "no-op up" && /\d+ (created|updated|deleted|replaced)\n/.test(output)) {
    throw new Error(`a no-op up made changes:\n${output}`);
  }
  process.stderr.write(`${name}: ${seconds.toFixed(1)} s${isCutOff ? ", not finished" : ""}\n`);
  return { seconds, isCutOff, usage: used, output };
}

/** Enables all regions, raises the quota of public images, and runs Node without the tests' fault injection. */
async function prepare(project: PublishedImages, regions: readonly string[]): Promise<void> {
  const optedIn = optInRegions.filter((region) => regions.includes(region));
  new CloudFolder(project.cloud.folder, { optedIn });
  await project.begin();
  for (const region of regions) {
    project.cloud.meddle(account, region, ({ quotas }) => {
      quotas[publicImagesQuota] = allVersions().length * perVersion;
    });
  }
  if (process.env.NODE_OPTIONS === undefined) delete project.environment["NODE_OPTIONS"];
  else project.environment["NODE_OPTIONS"] = process.env.NODE_OPTIONS;
}

/** All images at stage release, in all regions, with all their resources. */
function sceneOf(versions: readonly string[], regions: string[]): Partial<Scene> {
  return {
    entries: versions.map((version) => ({ release: `${version}.0` })),
    images: imagesOfVersion,
    regions,
    settings: { overlays: ["testing"], protectPublished: true },
  };
}
