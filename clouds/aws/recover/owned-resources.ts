/** What on AWS a stack may call its own: by its state, and by what it declares. Pure, from plain data. */
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
  /** Where anything of it may be, the home region first. */
  regions: readonly string[];
  /** Names of AMIs: declared at whatever stage, recorded, or just being made when a run ended. */
  names: ReadonlySet<string>;
  /** Names and regions where the stack would have an AMI today: `isDeclaredIn`. */
  places: ReadonlySet<string>;
  /** AMIs in the state. */
  images: readonly RecordedImage[];
  /** Names of launch permissions' resources that the configuration asks for at some stage, or that a run was just making. */
  permissions: ReadonlySet<string>;
  /** Ids of all that the state has. */
  recorded: ReadonlySet<string>;
  /** What the owner's tag of its snapshots begins with: `PROJECT/STACK/`. */
  owner: string;
  /** Owner's tag to description and tags of a snapshot that the next `up` begins, or goes on with. */
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
      // In its tags an import too has the name of the AMI that is made of it.
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

/** `PROJECT/STACK`, as every URN has them. */
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

/** Snapshots that a copy came with, as the state has them: they go when it goes. */
export function snapshotsOfCopy({ entry }: RecordedImage): string[] {
  if (entry.type !== resourceTypes.copy) return [];
  const devices = (entry.outputs?.["ebsBlockDevices"] ?? []) as { snapshotId?: unknown }[];
  return devices.flatMap(({ snapshotId }) => textsOf(snapshotId));
}
