/** Determines what a stack owns on AWS, from its state and from what it declares. Pure. */
import { commandType } from "../../../src/stacks/state-index.ts";
import { permissionName } from "../resource-names.ts";
import { amiTags, grantees } from "../rules.ts";
import { awsSettingsOf } from "../options.ts";
import type { StackSettings } from "../../../src/configuration/settings.ts";
import { imageName } from "../../../src/configuration/tags.ts";
import { type DeclaredImage, hasReached } from "../../../src/configuration/variant.ts";
import { resourceTypes } from "../resource-types.ts";
import { hasAws, recordedIds, type RecordedImage, recordedImages } from "./recorded.ts";
import {
  nameOf,
  pendingOperations,
  projectOf,
  resourcesOf,
  stackOf,
  type StackState,
  type StateResource,
} from "../../../src/stacks/state.ts";

export interface OwnedResources {
  /** Regions where any of it may be, the home region first. */
  regions: readonly string[];
  /** Names of AMIs: declared at any stage, recorded, or in progress when a run ended. */
  names: ReadonlySet<string>;
  /** Names and regions of the AMIs that the stack declares today: see `isDeclaredIn`. */
  places: ReadonlySet<string>;
  /** AMIs in the state. */
  images: readonly RecordedImage[];
  /**
   * Resource names of launch permissions that the configuration declares at any stage, or that were in progress when a run ended.
   */
  permissions: ReadonlySet<string>;
  /** Ids of everything in the state. */
  recorded: ReadonlySet<string>;
  /** The prefix of its snapshots' owner tags: `PROJECT/STACK/`. */
  owner: string;
  /** Owner tag to description and tags of a snapshot that the next `up` starts or resumes. */
  awaited: ReadonlyMap<string, { description: string; tags: Readonly<Record<string, string>> }>;
}

/** Whether the state has, or is about to have, anything on AWS. */
export function isOnAws(
  declared: readonly DeclaredImage[],
  { stage }: StackSettings,
  state: StackState,
): boolean {
  return (
    declared.some((image) => image.variant.cloud === "aws" && hasReached(image.state, stage, "import")) ||
    hasAws(state)
  );
}

export function ownedResources(
  declared: readonly DeclaredImage[],
  settings: StackSettings,
  state: StackState,
): OwnedResources {
  const resources = resourcesOf(state);
  const known = [...resources, ...pendingOperations(state).map(({ resource }) => resource)].filter(
    ({ type }) => type.startsWith("aws:"),
  );
  const onAws = declared.filter(({ variant }) => variant.cloud === "aws");
  const { region: home, importMethod } = awsSettingsOf(settings);
  const places = onAws.flatMap((image) => {
    const reaches = (stage: "import" | "publish") => hasReached(image.state, settings.stage, stage);
    const published = reaches("publish") ? image.regions.map(({ name }) => name) : [];
    const regions = reaches("import") ? [home, ...published] : [];
    return regions.map((region) => placeOf(imageName(image.variant), region));
  });
  const owner = `${ownerOf(resources)}/`;
  const written = new Set(
    resources.flatMap(({ type, urn }) =>
      type === commandType ? (/^(.+)-snapshot$/.exec(nameOf(urn))?.[1] ?? []) : [],
    ),
  );
  const isDirect = importMethod === "direct";
  const awaited = onAws
    .filter(({ key, state }) => isDirect && !written.has(key) && hasReached(state, settings.stage, "import"))
    .map(({ key, variant }) => {
      return [owner + key, { description: variant.description, tags: amiTags(variant) }] as const;
    });
  return {
    regions: [
      ...new Set([
        home,
        ...onAws.flatMap(({ regions }) => regions.map(({ name }) => name)),
        ...known.flatMap(({ inputs }) => textsOf(inputs?.["region"])),
      ]),
    ],
    names: new Set([
      ...onAws.map(({ variant }) => imageName(variant)),
      // An import's tags also have the name of the AMI that is made from it.
      ...known.flatMap(({ type, inputs }) => (isImageOrImport(type) ? textsOf(nameTagOf(inputs)) : [])),
    ]),
    places: new Set(places),
    images: recordedImages(resources),
    permissions: new Set([
      ...onAws.flatMap(({ key, regions, variant }) =>
        [home, ...regions.map(({ name }) => name)].flatMap((region) =>
          grantees(variant.access).map(({ name }) => permissionName(key, region, name)),
        ),
      ),
      ...known.flatMap(({ type, urn }) => (type === resourceTypes.permission ? [nameOf(urn)] : [])),
    ]),
    recorded: recordedIds(resources),
    owner,
    awaited: new Map(awaited),
  };
}

/** Whether the stack declares an AMI of that name in that region. */
export const isDeclaredIn = ({ places }: OwnedResources, name: string, region: string): boolean =>
  places.has(placeOf(name, region));

const placeOf = (name: string, region: string): string => `${region} ${name}`;

/** `PROJECT/STACK`, as in every URN. */
function ownerOf([first]: readonly StateResource[]): string {
  const { urn } = first ?? { urn: "" };
  return `${projectOf(urn)}/${stackOf(urn)}`;
}

const { ami, copy, snapshot } = resourceTypes;
const isImageOrImport = (type: string): boolean => [ami, copy, snapshot].some((one) => one === type);

function nameTagOf(inputs: StateResource["inputs"]): unknown {
  return (inputs?.["tags"] as Record<string, unknown> | undefined)?.["Name"];
}

const textsOf = (value: unknown): string[] => (typeof value === "string" ? [value] : []);

/** The snapshots of a copy, as in the state. They are deleted with the copy. */
export function snapshotsOfCopy({ entry }: RecordedImage): string[] {
  if (entry.type !== resourceTypes.copy) return [];
  const devices = (entry.outputs?.["ebsBlockDevices"] ?? []) as { snapshotId?: unknown }[];
  return devices.flatMap(({ snapshotId }) => textsOf(snapshotId));
}
