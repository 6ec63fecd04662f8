/** Reads what a stack's state has on AWS. Pure. */
import { commandType } from "../../../src/stacks/state-index.ts";
import { resourcesOf, type StackState, type StateResource } from "../../../src/stacks/state.ts";
import { awsProviderType, resourceTypes } from "../resource-types.ts";

/** Whether the stack has, or has had, anything on AWS. */
export const hasAws = (state: StackState): boolean =>
  resourcesOf(state).some(({ type }) => type === awsProviderType);

/** An AMI in a state: imported, or a copy. */
export interface RecordedImage {
  id: string;
  region: string;
  entry: StateResource;
}

export function recordedImages(resources: readonly StateResource[]): RecordedImage[] {
  return resources.flatMap((entry) => {
    const { type, id, inputs } = entry;
    const region = inputs?.["region"];
    if (
      (type !== resourceTypes.ami && type !== resourceTypes.copy) ||
      id === undefined ||
      typeof region !== "string"
    )
      return [];
    return [{ id, region, entry }];
  });
}

/** The account that owns a state's resources on AWS, as recorded when they were made. */
export function recordedAccount(resources: readonly StateResource[]): string | undefined {
  return resources
    .filter(({ type }) => type.startsWith("aws:"))
    .map(({ outputs }) => outputs?.["ownerId"])
    .find((owner): owner is string => typeof owner === "string" && /^\d{12}$/.test(owner));
}

/** Ids of everything that a state has on AWS, including snapshots in the results of commands. */
export function recordedIds(resources: readonly StateResource[]): Set<string> {
  const own = resources.flatMap(({ type, id }) => (type.startsWith("aws:") && id !== undefined ? [id] : []));
  const written = resources.flatMap(({ type, outputs }) => {
    const stdout = type === commandType ? outputs?.["stdout"] : undefined;
    return typeof stdout === "string" ? (/"snapshotId":"(snap-[0-9a-f]+)"/.exec(stdout)?.[1] ?? []) : [];
  });
  return new Set([...own, ...written]);
}
