/**
 * Recovers sharing that took effect but that no state knows: without it, a lowered stage would revoke nothing. An AMI's
 * launch permissions are resources, and are added to the state. A snapshot's sharing belongs to a command, which is
 * marked so that the next `up` runs it again. Nothing is shared or made private here: the `up` that follows does what
 * the ledger says.
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
 * Finds launch permissions of recorded AMIs that the state lacks, as state entries. Permissions that the stack never
 * declares are left alone: somebody else added them, and if they were in the state, the next `up` would revoke them.
 */
export async function adoptPermissions(
  { images, permissions }: Pick<OwnedResources, "images" | "permissions">,
  resources: readonly StateResource[],
  emulator: boolean,
): Promise<Adopted> {
  const urns = new Set(resources.map(({ urn }) => urn));
  const regions = [...groupBy(images, ({ region }) => region)];
  const found = await forEachRegion(regions, ([region, images]) =>
    withAwsErrors(`list who images are shared with in ${region}`, async () => {
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
      .map(
        ({ id, inputs }) => `${id} in ${String(inputs?.["region"])}, because this stack does not declare it`,
      ),
  };
}

async function launchGrantees(client: EC2Client, ImageId: string): Promise<Grantee[]> {
  try {
    return (await launchPermissions(client, ImageId)).flatMap((one) => granteeOf(accessKey(one)) ?? []);
  } catch (error) {
    // The refresh reports what is gone.
    if (codesOf(error).some((code) => /^InvalidAMIID\.(NotFound|Unavailable)$/.test(code))) return [];
    throw error;
  }
}

/** The grantee as a key of the configuration's `access`. */
function accessKey({ Group, UserId, OrganizationArn, OrganizationalUnitArn }: LaunchPermission): string {
  if (Group === "all") return "PUBLIC";
  return UserId ?? OrganizationArn ?? OrganizationalUnitArn ?? "";
}

/** The permission as a state entry, as component and provider would make it. The refresh that follows completes it. */
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
  // A grantee has exactly one of these.
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

/** A command that tags snapshots, and in what they differ from its record. */
export interface Unfinished {
  /** Its inputs differ from the program's, so that the next `up` runs its update. */
  entry: StateResource;
  note: string;
}

/** Names of the step that tags snapshots: today's, and the name in states written before December 2026. */
const tagSteps = ["aws-tag-snapshots", "aws-snapshots"];

/** Finds commands whose snapshots, in regions that can be queried, have other tags or grantees than their recorded inputs. */
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
    withAwsErrors(`list who snapshots are shared with in ${region}`, async () => {
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
    note: `the next \`up\` will fix: ${unlike.map(({ note }) => note).join("; ")}`,
  }));
}

/** How a snapshot differs from a command's record. Undefined if it does not, or is gone. */
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
    return `is shared with ${grantees.join(", ") || "nobody"}, but in the state with ${recorded.join(", ") || "nobody"}`;
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

/** Changes the recorded input, which the provider compares with the program's. */
function marked(entry: StateResource): StateResource {
  const environment = environmentOf(entry)!;
  const input = JSON.parse(String(environment[stepVariables.input])) as object;
  const changed = { ...environment, [stepVariables.input]: JSON.stringify({ ...input, unfinished: true }) };
  return { ...entry, inputs: { ...entry.inputs, environment: changed } };
}
