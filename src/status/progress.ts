/** How far a stack's images have come, by its state, beside what the ledger declares. Pure. */
import { permissionName, regionalName } from "../../clouds/aws/resource-names.ts";
import { grantees } from "../../clouds/aws/rules.ts";
import { bestEffortSuffix } from "../../clouds/cloud.ts";
import { awsLines } from "../configuration/release-lines.ts";
import type { StackSettings } from "../configuration/settings.ts";
import { signingCommandOf } from "../configuration/signing.ts";
import { type DeclaredImage, isAtLeast, reachedStage, type Stage } from "../configuration/variant.ts";
import type { StateResource } from "../stacks/stacks.ts";
import type { AwsChannelInput } from "../../clouds/aws/steps/read-back-channel.ts";
import type { AwsSnapshotsInput } from "../../clouds/aws/steps/tag-snapshots.ts";
import type { MetadataInput } from "../steps/metadata.ts";
import { imageResources, lineResources } from "../../clouds/aws/resources.ts";
import { resourceTypes } from "../../clouds/aws/resource-types.ts";
import { State } from "./state.ts";

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

/** A part that may come in two commands: for required regions, and for those of best effort. */
const bothOf = (name: string): string[] => [name, name + bestEffortSuffix];

/** Every image that is declared or in the state, in the ledger's order. */
export function progressOf(
  stack: string,
  declared: readonly DeclaredImage[],
  settings: Pick<StackSettings, "stage" | "aws" | "disable">,
  resources: readonly StateResource[],
): ImageProgress[] {
  const { stage: ceiling } = settings;
  const state = new State(resources);
  const lines = awsLines(declared, ceiling);
  const images = declared.map((image) => {
    const { key, variant, regions } = image;
    const stage = reachedStage(image.state.stage, ceiling);
    const progress = withLeftOver(
      imageProgress(stack, image, stage, settings, state),
      state.leftOver(key, imageResources(image, stage, settings)),
    );
    const line = lines.find((line) => line.key === variant.configKey);
    const pointed = regions.filter(({ name }) => line?.targets.get(name)?.key === key);
    if (line === undefined || pointed.length === 0) return progress;
    const readBack = state.inputsOf<AwsChannelInput>(...bothOf(`${line.key}-channel`));
    return withRegions(progress, "channel", pointed, (region) => {
      const imageId = state.imageId(key, region);
      return (
        imageId !== undefined &&
        readBack.some(({ images = {} }) => images[region] === imageId) &&
        (state.pointedTo(line.key, region) ?? imageId) === imageId
      );
    });
  });
  const known = new Set(declared.map(({ key }) => key));
  const leaving = state.imageKeys
    .filter((key) => !known.has(key))
    .map((key) => withLeftOver(nothing(stack, key), state.leftOver(key, [])));
  const rows = [...images, ...leaving];
  for (const key of state.lineKeys) {
    const line = lines.find((line) => line.key === key);
    const leftOver = state.leftOver(key, line === undefined ? [] : lineResources(line));
    if (leftOver.length === 0) continue;
    // Beside the newest image of its line.
    const newest = declared.findLastIndex(({ variant }) => variant.configKey === key);
    if (newest === -1) rows.push(withLeftOver(nothing(stack, key), leftOver));
    else rows[newest] = withLeftOver(rows[newest]!, leftOver);
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

function imageProgress(
  stack: string,
  { key, variant, regions }: DeclaredImage,
  stage: Stage,
  settings: Pick<StackSettings, "aws" | "disable">,
  state: State,
): ImageProgress {
  const { region: home } = settings.aws;
  const done = (name: string) => state.has(resourceTypes.command, `${key}-${name}`);
  const onAws = variant.cloud === "aws" && isAtLeast(stage, "import");
  const published = onAws && isAtLeast(stage, "publish") ? regions : [];
  const described = state.inputsOf<MetadataInput>(...bothOf(`${key}-metadata`));
  const isNamed = ({ name }: DeclaredImage["regions"][number]): boolean =>
    described.some(({ cloud }) => cloud?.artifacts[name] === (state.imageId(key, name) ?? "none"));
  const steps = {
    built: done("disk"),
    ...(isAtLeast(stage, "upload")
      ? {
          stored: done("artifact"),
          described: done("metadata") && published.every((one) => one.bestEffort || isNamed(one)),
        }
      : {}),
    ...(onAws ? { imported: state.has(resourceTypes.ami, key) } : {}),
    ...(signingCommandOf(variant, stage, settings) === undefined ? {} : { signed: done("signatures") }),
  };
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
  if (!onAws) return progress;
  const others = published.filter(({ name }) => name !== home);
  // What recover has found changed, it has marked.
  const equipped = state
    .inputsOf<AwsSnapshotsInput & { unfinished: true }>(...bothOf(`${key}-snapshots`))
    .filter(({ unfinished }) => unfinished !== true);
  const isPublishedIn = (region: string): boolean => published.some(({ name }) => name === region);
  const imported = withRegions(
    progress,
    "snapshots",
    [{ name: home, bestEffort: false }, ...others],
    (region) =>
      equipped.some(
        (one) =>
          one.snapshots?.[region] !== undefined && one.published?.includes(region) === isPublishedIn(region),
      ),
  );
  if (published.length === 0) return imported;
  const copied = withRegions(imported, "copies", others, (region) =>
    state.has(resourceTypes.copy, regionalName(key, region)),
  );
  const names = grantees(variant.access).map(({ name }) => name);
  if (names.length === 0) return copied;
  return withRegions(copied, "shared", regions, (region) =>
    names.every((name) => state.has(resourceTypes.permission, permissionName(key, region, name))),
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
