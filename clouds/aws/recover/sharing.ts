/**
 * Sharing that has taken effect and that no state knows of: then a lowered stage would take nothing back. Whom an AMI is shared
 * with is a resource and is taken into the state; whom a snapshot is shared with is a command's, which is marked so that the next
 * `up` runs it again. Nothing is shared or made private here: the `up` that follows does what the ledger says.
 */
import { commandType } from "../../../src/stacks/state-index.ts";
import { DescribeSnapshotsCommand, type EC2Client, type LaunchPermission } from "@aws-sdk/client-ec2";
import { permissionName } from "../resource-names.ts";
import { type Grantee, granteeOf } from "../rules.ts";
import { ec2Client } from "../api/clients.ts";
import { forEachRegion } from "../../../src/lib/for-each-region.ts";
import { codesOf, withAwsErrors } from "../api/errors.ts";
import { launchPermissions } from "../api/launch-permissions.ts";
import { volumeGrantees } from "../api/volume-grantees.ts";
import { groupBy } from "../../../src/lib/group-by.ts";
import { resourceTypes } from "../resource-types.ts";
import type { AwsSnapshotsInput } from "../steps/tag-snapshots.ts";
import type { Adopted } from "./channels.ts";
import type { OwnedResources } from "./owned-resources.ts";
import type { RecordedImage } from "./recorded.ts";
import { nameOf, type StateResource } from "../../../src/stacks/state.ts";
import { stepVariables } from "../../../src/steps/step.ts";

/**
 * Launch permissions of recorded AMIs that the state lacks, as it would have them. One that the stack never asks for is somebody
 * else's doing: in the state, the next `up` would take it away.
 */
export async function adoptPermissions(
  { images, permissions }: Pick<OwnedResources, "images" | "permissions">,
  resources: readonly StateResource[],
  emulator: boolean,
): Promise<Adopted> {
  const urns = new Set(resources.map(({ urn }) => urn));
  const regions = [...groupBy(images, ({ region }) => region)];
  const found = await forEachRegion(regions, ([region, images]) =>
    withAwsErrors(`look whom images are shared with in ${region}`, async () => {
      const client = await ec2Client({ region, emulator });
      const entries: StateResource[] = [];
      for (const image of images) {
        const grantees = await launchGrantees(client, image.id);
        entries.push(...grantees.flatMap((grantee) => permissionEntry(image, grantee)));
      }
      return entries;
    }),
  );
  const missing = found.flat().filter(({ urn }) => !urns.has(urn));
  const isOurs = ({ urn }: StateResource) => permissions.has(nameOf(urn));
  return {
    entries: missing.filter(isOurs),
    leftAlone: missing
      .filter((entry) => !isOurs(entry))
      .map(({ id, inputs }) => `${id} in ${String(inputs?.["region"])}, for this stack does not declare it`),
  };
}

async function launchGrantees(client: EC2Client, ImageId: string): Promise<Grantee[]> {
  try {
    return (await launchPermissions(client, ImageId)).flatMap((one) => granteeOf(accessKey(one)) ?? []);
  } catch (error) {
    // The refresh says what is gone.
    if (codesOf(error).some((code) => /^InvalidAMIID\.(NotFound|Unavailable)$/.test(code))) return [];
    throw error;
  }
}

/** As the configuration's `access` has it. */
function accessKey({ Group, UserId, OrganizationArn, OrganizationalUnitArn }: LaunchPermission): string {
  if (Group === "all") return "PUBLIC";
  return UserId ?? OrganizationArn ?? OrganizationalUnitArn ?? "";
}

/** As the component declares it and the provider names it: the refresh that follows completes it. */
function permissionEntry({ id: imageId, region, entry }: RecordedImage, grantee: Grantee): StateResource[] {
  const { parent, provider, protect, urn: image } = entry;
  const [, before, key] = /^(.+)::([^:]+)$/.exec(parent ?? "") ?? [];
  if (parent === undefined || before === undefined || provider === undefined) return [];
  const { group, accountId, organizationArn, organizationalUnitArn } = grantee;
  const who =
    accountId ??
    (group !== undefined ? `group-${group}` : undefined) ??
    (organizationArn !== undefined ? `org-${organizationArn}` : `ou-${organizationalUnitArn}`);
  const id = `${imageId}-${who}`;
  // A grantee is one of these.
  const given = Object.entries({ group, accountId, organizationArn, organizationalUnitArn });
  const inputs = { region, imageId, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) };
  return [
    {
      urn: `${before}$${resourceTypes.permission}::${permissionName(key!, region, grantee.name)}`,
      custom: true,
      id,
      type: resourceTypes.permission,
      inputs,
      outputs: { ...inputs, id },
      parent,
      provider,
      dependencies: [image],
      ...(protect === true ? { protect } : {}),
    },
  ];
}

/** A command of step aws-snapshots, and what has to be known of it. */
export interface Unfinished {
  /** With other inputs than the program's, so that the next `up` runs its update. */
  entry: StateResource;
  note: string;
}

/** Names of the step that tags snapshots: today's, and the one in states that were written before December 2026. */
const tagSteps = ["aws-tag-snapshots", "aws-snapshots"];

/** Commands whose snapshots, in regions that can be looked at, have other tags than their recorded inputs say, or are shared with others. */
export async function unfinishedSharing(
  resources: readonly StateResource[],
  regions: readonly string[],
  emulator: boolean,
): Promise<Unfinished[]> {
  const commands = resources.flatMap((entry) => {
    const environment = environmentOf(entry);
    if (environment === undefined || !tagSteps.includes(String(environment[stepVariables.name]))) return [];
    return [{ entry, input: JSON.parse(String(environment[stepVariables.input])) as AwsSnapshotsInput }];
  });
  const snapshots = commands
    .flatMap(({ entry, input }) =>
      Object.entries(input.snapshots).map(([region, id]) => ({ entry, input, region, id })),
    )
    .filter(({ region }) => regions.includes(region));
  const found = await forEachRegion([...groupBy(snapshots, ({ region }) => region)], ([region, here]) =>
    withAwsErrors(`look whom snapshots are shared with in ${region}`, async () => {
      const client = await ec2Client({ region, emulator });
      const unlike: Unfinished[] = [];
      for (const { entry, input, id } of here) {
        const differs = await difference(client, id, input, region);
        if (differs !== undefined) unlike.push({ entry, note: `${id} in ${region} ${differs}` });
      }
      return unlike;
    }),
  );
  return [...groupBy(found.flat(), ({ entry }) => entry.urn).values()].map((unlike) => ({
    entry: marked(unlike[0]!.entry),
    note: `the next \`up\` sets right: ${unlike.map(({ note }) => note).join("; ")}`,
  }));
}

/** In what a snapshot is not as a command has recorded it, if it is there. */
async function difference(
  client: EC2Client,
  id: string,
  { published, share, tags }: AwsSnapshotsInput,
  region: string,
): Promise<string | undefined> {
  const grantees = await volumeGrantees(client, id);
  if (grantees === undefined) return undefined;
  const recorded = published.includes(region) ? share : [];
  if (sorted(grantees) !== sorted(recorded)) {
    return `is shared with ${grantees.join(", ") || "nobody"}, and in the state with ${recorded.join(", ") || "nobody"}`;
  }
  return (await hasTags(client, id, tags)) ? undefined : "has other tags than in the state";
}

const sorted = (texts: readonly string[]): string => JSON.stringify([...texts].sort());

async function hasTags(
  client: EC2Client,
  id: string,
  tags: Readonly<Record<string, string>>,
): Promise<boolean> {
  const { Snapshots = [] } = await client.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
  const found = Snapshots.flatMap(({ Tags = [] }) => Tags);
  return Object.entries(tags).every(([key, value]) =>
    found.some(({ Key, Value }) => Key === key && Value === value),
  );
}

function environmentOf({ type, inputs }: StateResource): Record<string, unknown> | undefined {
  if (type !== commandType) return undefined;
  return inputs?.["environment"] as Record<string, unknown> | undefined;
}

/** The provider compares recorded inputs with the program's. */
function marked(entry: StateResource): StateResource {
  const environment = environmentOf(entry)!;
  const input = JSON.parse(String(environment[stepVariables.input])) as object;
  const changed = { ...environment, [stepVariables.input]: JSON.stringify({ ...input, unfinished: true }) };
  return { ...entry, inputs: { ...entry.inputs, environment: changed } };
}
