/** How far a stack's images have come, by its state, beside what the ledger declares. Pure. */
import { bestEffortSuffix } from "../configuration/regions.ts";
import { releaseLines } from "../configuration/release-lines.ts";
import type { StackSettings } from "../configuration/settings.ts";
import { signingCommandOf } from "../configuration/signing.ts";
import { type DeclaredImage, isAtLeast, reachedStage, type Stage } from "../configuration/variant.ts";
import { defined } from "../lib/defined.ts";
import { commandType, idOf, StateIndex } from "../stacks/state-index.ts";
import type { StateResource } from "../stacks/state.ts";
import type { MetadataInput } from "../steps/metadata.ts";
import type { CloudProgress, StatusCloud } from "./cloud-progress.ts";

/** Something that there should be once per region. */
export interface Regional {
  there: number;
  of: number;
  /** Required regions that it is missing in. */
  missing: string[];
}

export interface ImageProgress {
  stack: string;
  /** Of an image; of a line whose channel is all that is left of it. */
  key: string;
  /** How far it is to be brought; `none` for what the ledger no longer has. */
  stage: Stage | "none";
  /** What its stage asks for; what it doesn't ask for is left out. */
  built?: boolean;
  stored?: boolean;
  imported?: boolean;
  signed?: boolean;
  /** Whether its metadata is stored, and names its image in all required regions. */
  described?: boolean;
  copies?: Regional;
  /** Where its snapshot has its tags, and is shared where the image is published. */
  snapshots?: Regional;
  /** Where everybody who may use it can. */
  shared?: Regional;
  /** Where the line's pointer names it, read back. */
  channel?: Regional;
  /** Regions of best effort in which any of this is missing. */
  bestEffort: string[];
  /** Names of resources that it has and should not: of a higher stage, of a region that was taken out. */
  leftOver: string[];
  /** What the next `up` would have to do; empty where all is done. */
  pending: string[];
}

/** A part that may come in two commands: for required regions, and for best-effort ones. */
const bothOf = (name: string): string[] => [name, name + bestEffortSuffix];

/**
 * Every image that is declared or in the state, in the ledger's order.
 * @param clouds all that are known
 */
export function progressOf(
  stack: string,
  declared: readonly DeclaredImage[],
  settings: StackSettings,
  resources: readonly StateResource[],
  clouds: readonly StatusCloud[],
): ImageProgress[] {
  const { stage: ceiling } = settings;
  const state = new StateIndex(resources);
  const all = clouds.flatMap(({ publishing }) => publishing?.progress ?? []);
  const types = all.flatMap(({ resourceTypes }) => resourceTypes);
  const progressIn = (name: string): CloudProgress | undefined =>
    clouds.find((cloud) => cloud.name === name)?.publishing?.progress;
  const lines = releaseLines(
    declared.filter(({ variant }) => progressIn(variant.cloud)?.lineResources !== undefined),
    ceiling,
  );
  const images = declared.map((image) => {
    const { key, variant, regions } = image;
    const cloud = progressIn(variant.cloud);
    const stage = reachedStage(image.state.stage, ceiling);
    const expected = expectedResources(image, stage, settings, cloud);
    const progress = withLeftOver(
      imageProgress(stack, image, stage, settings, state, cloud),
      state.leftOver(key, types, expected),
    );
    const line = lines.find((line) => line.key === variant.configKey);
    const pointed = regions.filter(({ name }) => line?.targets.get(name)?.key === key);
    if (line === undefined || pointed.length === 0) return progress;
    return withRegions(
      progress,
      "channel",
      pointed,
      (region) => cloud?.isPointedTo?.(line, key, region, state) === true,
    );
  });
  const known = new Set(declared.map(({ key }) => key));
  const leaving = state.imageKeys
    .filter((key) => !known.has(key))
    .map((key) => withLeftOver(nothing(stack, key), state.leftOver(key, types, [])));
  const rows = [...images, ...leaving];
  for (const { channelTypes = [], lineResources } of all) {
    for (const key of state.namesOf(channelTypes)) {
      const line = lines.find((line) => line.key === key);
      const expected = line === undefined ? [] : (lineResources?.(line) ?? []);
      const leftOver = state.leftOver(key, types, expected);
      if (leftOver.length === 0) continue;
      // Beside the newest image of its line.
      const newest = declared.findLastIndex(({ variant }) => variant.configKey === key);
      if (newest === -1) rows.push(withLeftOver(nothing(stack, key), leftOver));
      else rows[newest] = withLeftOver(rows[newest]!, leftOver);
    }
  }
  return rows;
}

const nothing = (stack: string, key: string): ImageProgress => ({
  stack,
  key,
  stage: "none",
  bestEffort: [],
  leftOver: [],
  pending: [],
});

/**
 * `TYPE NAME` of each resource that an image has when all is done.
 * @param cloud undefined if images are not imported into the image's cloud
 */
export function expectedResources(
  image: DeclaredImage,
  stage: Stage,
  settings: StackSettings,
  cloud: CloudProgress | undefined,
): string[] {
  const { key, variant, regions } = image;
  const hasBestEffort = isAtLeast(stage, "publish") && regions.some(({ bestEffort }) => bestEffort);
  const suffixes = [
    "-disk",
    ...(isAtLeast(stage, "upload") ? ["-artifact", "-metadata"] : []),
    ...(signingCommandOf(variant, stage, settings) === undefined ? [] : ["-signatures"]),
    ...(cloud !== undefined && hasBestEffort ? [`-metadata${bestEffortSuffix}`] : []),
  ];
  const common = suffixes.map((suffix) => idOf(commandType, key + suffix));
  if (cloud === undefined || !isAtLeast(stage, "import")) return common;
  return [...common, ...cloud.imageResources(image, stage, settings)];
}

/** @param cloud undefined if images are not imported into the image's cloud */
function imageProgress(
  stack: string,
  image: DeclaredImage,
  stage: Stage,
  settings: StackSettings,
  state: StateIndex,
  cloud: CloudProgress | undefined,
): ImageProgress {
  const { key, variant, regions } = image;
  const done = (name: string) => state.has(commandType, `${key}-${name}`);
  const importing = isAtLeast(stage, "import") ? cloud : undefined;
  const published = importing !== undefined && isAtLeast(stage, "publish") ? regions : [];
  const described = state.inputsOf<MetadataInput>(...bothOf(`${key}-metadata`));
  const isNamed = ({ name }: DeclaredImage["regions"][number]): boolean => {
    const id = importing?.imageId(key, name, state) ?? "none";
    return described.some(({ cloud }) => cloud?.artifacts[name] === id);
  };
  const isStored = isAtLeast(stage, "upload");
  const steps = defined({
    built: done("disk"),
    stored: isStored ? done("artifact") : undefined,
    described: isStored
      ? done("metadata") && published.every((one) => one.bestEffort || isNamed(one))
      : undefined,
    imported: importing?.isImported(key, state),
    signed: signingCommandOf(variant, stage, settings) === undefined ? undefined : done("signatures"),
  });
  const undone = Object.entries(steps).filter(([, isDone]) => !isDone);
  const progress: ImageProgress = {
    stack,
    key,
    stage,
    ...steps,
    bestEffort: published.filter((one) => one.bestEffort && !isNamed(one)).map(({ name }) => name),
    leftOver: [],
    pending: undone.map(([name]) => `not ${name}`),
  };
  const parts = importing?.regionalParts(image, published, settings, state) ?? [];
  return parts.reduce(
    (soFar, { what, regions, isThere }) => withRegions(soFar, what, regions, isThere),
    progress,
  );
}

/** Counts in which regions something is there; where required ones are missing, that is pending. */
function withRegions(
  progress: ImageProgress,
  what: "copies" | "snapshots" | "shared" | "channel",
  regions: DeclaredImage["regions"],
  isThere: (region: string) => boolean,
): ImageProgress {
  const missing = regions.filter(({ name }) => !isThere(name));
  const required = missing.filter(({ bestEffort }) => !bestEffort).map(({ name }) => name);
  const others = missing.filter(({ bestEffort }) => bestEffort).map(({ name }) => name);
  return {
    ...progress,
    [what]: { there: regions.length - missing.length, of: regions.length, missing: required },
    bestEffort: [...new Set([...progress.bestEffort, ...others])],
    pending: [...progress.pending, ...(required.length === 0 ? [] : [`${what} in ${required.join(", ")}`])],
  };
}

/** What is of no stage, region or line any more is pending, too: the next `up` deletes it. */
function withLeftOver(progress: ImageProgress, names: readonly string[]): ImageProgress {
  const leftOver = [...progress.leftOver, ...names];
  const isGone = progress.stage === "none";
  if (leftOver.length === 0 && !isGone) return progress;
  const others = progress.pending.filter((one) => !one.endsWith(toDelete));
  const count = isGone ? "all" : String(leftOver.length);
  return { ...progress, leftOver, pending: [...others, `${count} ${toDelete}`] };
}

const toDelete = "to be deleted";
