/** This project's rows of a comparison: what one isolation does. */
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { BuildSettings } from "../src/builder/build-settings.ts";
import { madeKinds } from "../src/builder/made-files.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { UserError } from "../src/lib/user-error.ts";
import type { Run } from "./comparison-table.ts";
import type { MeasureBuild, Measurement } from "./measure-build.ts";
import { keptFiles, measureBuild } from "./measure.ts";
import { refuse, rowOf, type Task } from "./rounds.ts";

/** An isolation's tasks, and the image that it built before them. */
interface BuilderTasks {
  tasks: Task[];
  /** The file; undefined if the isolation does not work here. */
  image: string | undefined;
}

/** A build that was not refused. */
interface Built {
  run: Run;
  measurement: Measurement;
  /** Where it was made, as its processes show. */
  isolation: string;
}

/**
 * Builds each image once, and returns what to measure from then on.
 * @param all all images: the next image and the one for aarch64 are among them
 * @param settings with the isolation
 * @param scratch gets the image
 */
export async function builderTasks(
  variant: Variant,
  all: readonly Variant[],
  settings: BuildSettings,
  scratch: string,
): Promise<BuilderTasks> {
  const isolation = settings.isolation ?? "auto";
  const next = nextImage(variant, all);
  const other = imageForAarch64(variant, all);
  const cold = task(variant, "cold", () => build({ variant, settings, caches: "cold" }));
  const warm = task(next, "next image", () =>
    withoutKeeping(() => build({ variant: next!, settings, caches: "warm" })),
  );
  const aarch64 = task(other, "aarch64 cold", () => build({ variant: other!, settings, caches: "cold" }));
  const first = await attempt([cold, warm], () =>
    build({ variant, settings, caches: "warm", keepIn: path.join(scratch, isolation) }),
  );
  if (other !== undefined)
    await attempt([aarch64], () => build({ variant: other, settings, caches: "warm" }));
  return { tasks: [cold, warm, aarch64], image: first?.measurement.file };

  function task(
    image: Variant | undefined,
    what: "cold" | "next image" | "aarch64 cold",
    measure: () => Promise<Built>,
  ): Task {
    const reason = image === undefined ? "the ledger has no such image" : undefined;
    const row = rowOf("this", isolation, image ?? variant, what, reason);
    return { rows: [row], measure: async () => [(await measure()).run] };
  }
}

/** Builds before anything is measured. An error is the reason why the tasks have no figures. */
async function attempt(tasks: readonly Task[], work: () => Promise<Built>): Promise<Built | undefined> {
  const rows = tasks.flatMap((one) => one.rows);
  try {
    const built = await work();
    for (const row of rows) row.builder = built.isolation;
    return built;
  } catch (error) {
    refuse(rows, error);
    return undefined;
  }
}

/** @throws UserError if the build fails */
async function build(job: Omit<MeasureBuild, "boot">): Promise<Built> {
  if (job.keepIn !== undefined) mkdirSync(job.keepIn, { recursive: true });
  const { result, seconds, usage } = await measureBuild({ ...job, boot: false });
  const { error, errorCode, phases = {}, sha512, accelerator, isolation = "vm" } = result;
  if (error !== undefined) throw new UserError(errorCode ?? "internal", error);
  const measured = Object.values(phases).reduce((sum, one) => sum + one, 0);
  const run = {
    seconds,
    phases: { ...phases, "Node's start, and the end": seconds - measured },
    ...(usage === undefined ? {} : { peakMib: usage.peakMib }),
    ...(sha512 === undefined ? {} : { sha512 }),
  };
  return { run, measurement: result, isolation: isolation === "vm" ? `vm (${accelerator})` : isolation };
}

/** Runs a build, and deletes what it added to the caches, so that the next round finds the same. */
async function withoutKeeping<T>(work: () => Promise<T>): Promise<T> {
  const before = new Set(keptFiles(...madeKinds));
  try {
    return await work();
  } finally {
    for (const file of keptFiles(...madeKinds))
      if (!before.has(file)) rmSync(file, { recursive: true, force: true });
  }
}

/** The same image for another cloud, of the same format if there is one: builds of both share their base. */
export function nextImage(variant: Variant, all: readonly Variant[]): Variant | undefined {
  const relatives = all.filter(
    (one) =>
      one.cloud !== variant.cloud &&
      (["release", "revision", "arch", "firmware", "bootstrap"] as const).every(
        (field) => one[field] === variant[field],
      ),
  );
  return relatives.find(({ imageFormat }) => imageFormat === variant.imageFormat) ?? relatives[0];
}

/** The same image for aarch64. */
export function imageForAarch64(variant: Variant, all: readonly Variant[]): Variant | undefined {
  return all.find(
    (one) =>
      one.arch === "aarch64" &&
      (["release", "revision", "bootstrap", "cloud"] as const).every(
        (field) => one[field] === variant[field],
      ),
  );
}
