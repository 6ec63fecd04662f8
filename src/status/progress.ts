/** Compares a stack's state with the ledger, to find the progress of each image. Pure. */
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

/** Something that should exist once per region. */
export interface Regional {
  there: number;
  of: number;
  /** The required regions where it is missing. */
  missing: string[];
}

export interface ImageProgress {
  stack: string;
  /** The key of an image, or of a line with nothing left but its channel. */
  key: string;
  /** The stage that it should reach; `none` if it is no longer in the ledger. */
  stage: Stage | "none";
  /** The steps below are left out if its stage does not need them. */
  built?: boolean;
  stored?: boolean;
  imported?: boolean;
  signed?: boolean;
  /** Whether its metadata is stored, and names its image in all required regions. */
  described?: boolean;
  copies?: Regional;
  /** Regions where its snapshot has its tags and, if the image is published, is shared. */
  snapshots?: Regional;
  /** Regions where everybody with access can use it. */
  shared?: Regional;
  /** Regions where the line's channel names it, as read back. */
  channel?: Regional;
  /** Best-effort regions where any of this is missing. */
  bestEffort: string[];
  /** Names of resources that it should not have: of a higher stage, or of a removed region. */
  leftOver: string[];
  /** What the next `up` would do; empty if nothing. */
  pending: string[];
}

/** The names of a part that may have two commands: for required regions, and for best-effort ones. */
const bothOf = (name: string): string[] => [name, name + bestEffortSuffix];

/**
 * The progress of every image that is declared or in the state, in the ledger's order.
 * @param clouds all known clouds
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
      // Added to the newest image of the line.
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
 * `TYPE NAME` of each resource that a finished image has.
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

/** Counts the regions where something exists. Missing required regions are pending. */
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

/** Resources that no stage, region or line needs any more are pending, too: the next `up` deletes them. */
function withLeftOver(progress: ImageProgress, names: readonly string[]): ImageProgress {
  const leftOver = [...progress.leftOver, ...names];
  const isGone = progress.stage === "none";
  if (leftOver.length === 0 && !isGone) return progress;
  const others = progress.pending.filter((one) => !one.endsWith(toDelete));
  const count = isGone ? "all" : String(leftOver.length);
  return { ...progress, leftOver, pending: [...others, `${count} ${toDelete}`] };
}

const toDelete = "to be deleted";
