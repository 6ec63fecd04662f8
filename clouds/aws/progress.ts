/**
 * Which resources images and lines have on AWS, and how far unfinished ones have come. Resources are found by the names
 * that the components give them. Pure.
 */
import type { StackSettings } from "../../src/configuration/settings.ts";
import { bestEffortSuffix } from "../../src/configuration/regions.ts";
import { type DeclaredImage, isAtLeast, type Stage } from "../../src/configuration/variant.ts";
import type { ReleaseLine } from "../../src/configuration/release-lines.ts";
import { commandType, idOf, type StateIndex } from "../../src/stacks/state-index.ts";
import type { CloudProgress, RegionalPart } from "../../src/status/cloud-progress.ts";
import { awsSettingsOf } from "./options.ts";
import { permissionName, regionalName } from "./resource-names.ts";
import { channelTypes, resourceTypes } from "./resource-types.ts";
import { grantees } from "./rules.ts";
import type { AwsChannelInput } from "./steps/read-back-channel.ts";
import type { AwsSnapshotsInput } from "./steps/tag-snapshots.ts";

/** Names of a command that may exist twice: for required regions, and for best-effort regions. */
const bothOf = (name: string): string[] => [name, name + bestEffortSuffix];

export const awsProgress: CloudProgress = {
  resourceTypes: Object.values(resourceTypes),
  channelTypes,
  imageResources,
  lineResources,
  isImported: (key, state) => state.has(resourceTypes.ami, key),
  imageId,
  regionalParts,

  isPointedTo(line, key, region, state) {
    const id = imageId(key, region, state);
    const readBack = state.inputsOf<AwsChannelInput>(...bothOf(`${line.key}-channel`));
    const parameter = state.find(resourceTypes.parameter, regionalName(line.key, region));
    // A secret value cannot be compared.
    const { value, insecureValue } = parameter?.inputs ?? {};
    const pointed = [insecureValue, value].find((one) => typeof one === "string");
    return (
      id !== undefined && readBack.some(({ images = {} }) => images[region] === id) && (pointed ?? id) === id
    );
  },
};

function imageResources(
  { key, variant, regions }: DeclaredImage,
  stage: Stage,
  settings: Pick<StackSettings, "clouds">,
): string[] {
  const aws = awsSettingsOf(settings);
  const command = (suffix: string): string => idOf(commandType, key + suffix);
  const imported = [
    ...(aws.importMethod === "direct"
      ? [command("-snapshot")]
      : [command("-upload"), idOf(resourceTypes.snapshot, key)]),
    idOf(resourceTypes.ami, key),
    command("-snapshots"),
  ];
  if (!isAtLeast(stage, "publish")) return imported;
  const others = regions.filter(({ name }) => name !== aws.region);
  return [
    ...imported,
    ...others.map(({ name }) => idOf(resourceTypes.copy, regionalName(key, name))),
    ...regions.flatMap(({ name }) =>
      grantees(variant.access).map((grantee) =>
        idOf(resourceTypes.permission, permissionName(key, name, grantee.name)),
      ),
    ),
    ...(others.some(({ bestEffort }) => bestEffort) ? [command(`-snapshots${bestEffortSuffix}`)] : []),
  ];
}

function lineResources({ key, targets }: ReleaseLine): string[] {
  const isBestEffort = [...targets].map(
    ([region, { regions }]) => regions.find(({ name }) => name === region)?.bestEffort === true,
  );
  return [
    ...[...targets.keys()].map((region) => idOf(resourceTypes.parameter, regionalName(key, region))),
    ...(isBestEffort.includes(false) ? [idOf(commandType, `${key}-channel`)] : []),
    ...(isBestEffort.includes(true) ? [idOf(commandType, `${key}-channel${bestEffortSuffix}`)] : []),
  ];
}

/** The id of an image's AMI in a region: the imported AMI in the home region, a copy elsewhere. */
function imageId(key: string, region: string, state: StateIndex): string | undefined {
  const imported = state.find(resourceTypes.ami, key);
  const isHome = imported?.inputs?.["region"] === region;
  return (isHome ? imported : state.find(resourceTypes.copy, regionalName(key, region)))?.id;
}

function regionalParts(
  { key, variant }: DeclaredImage,
  published: DeclaredImage["regions"],
  settings: Pick<StackSettings, "clouds">,
  state: StateIndex,
): RegionalPart[] {
  const { region: home } = awsSettingsOf(settings);
  const others = published.filter(({ name }) => name !== home);
  // Recover marks commands whose snapshots it found changed.
  const tagged = state
    .inputsOf<AwsSnapshotsInput & { unfinished: true }>(...bothOf(`${key}-snapshots`))
    .filter(({ unfinished }) => unfinished !== true);
  const snapshots: RegionalPart = {
    what: "snapshots",
    regions: [{ name: home, bestEffort: false }, ...others],
    isThere(region) {
      const isPublished = published.some(({ name }) => name === region);
      return tagged.some(
        (one) => one.snapshots?.[region] !== undefined && one.published?.includes(region) === isPublished,
      );
    },
  };
  if (published.length === 0) return [snapshots];
  const copies: RegionalPart = {
    what: "copies",
    regions: others,
    isThere: (region) => state.has(resourceTypes.copy, regionalName(key, region)),
  };
  const names = grantees(variant.access).map(({ name }) => name);
  if (names.length === 0) return [snapshots, copies];
  const shared: RegionalPart = {
    what: "shared",
    regions: published,
    isThere: (region) =>
      names.every((name) => state.has(resourceTypes.permission, permissionName(key, region, name))),
  };
  return [snapshots, copies, shared];
}
