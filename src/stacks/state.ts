/** A stack's state, as `pulumi stack export` writes it and `pulumi stack import` takes it. */
import { z } from "zod";
import { awsProviderType, resourceTypes } from "../../clouds/aws/resource-types.ts";
import { UserError } from "../lib/user-error.ts";

const resourceSchema = z.looseObject({
  urn: z.string(),
  type: z.string(),
  custom: z.boolean().optional(),
  id: z.string().optional(),
  parent: z.string().optional(),
  protect: z.boolean().optional(),
  provider: z.string().optional(),
  dependencies: z.array(z.string()).nullish(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});

/** A resource in a state, as far as recover knows it; the rest is kept. */
export type StateEntry = z.output<typeof resourceSchema>;

export const stateSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(resourceSchema).nullish(),
    pending_operations: z.array(z.object({ type: z.string(), resource: resourceSchema })).nullish(),
  }),
});

export type State = z.output<typeof stateSchema>;

export const resourcesOf = ({ deployment }: State): StateEntry[] => deployment.resources ?? [];

/** Whether the stack has, or has had, anything on AWS. */
export const hasAws = (state: State): boolean =>
  resourcesOf(state).some(({ type }) => type === awsProviderType);

/** What was under way when the engine's last word was written. */
export const pendingOf = ({ deployment }: State) => deployment.pending_operations ?? [];

/** An AMI that a state has: imported, or a copy. */
export interface RecordedImage {
  id: string;
  region: string;
  entry: StateEntry;
}

export function recordedImages(resources: readonly StateEntry[]): RecordedImage[] {
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

/** The account that has what a state has on AWS, as AWS said when it was made. */
export function recordedAccount(resources: readonly StateEntry[]): string | undefined {
  return resources
    .filter(({ type }) => type.startsWith("aws:"))
    .map(({ outputs }) => outputs?.["ownerId"])
    .find((owner): owner is string => typeof owner === "string" && /^\d{12}$/.test(owner));
}

/** Ids of all that a state has on AWS; snapshots that a command wrote are in its result. */
export function recordedIds(resources: readonly StateEntry[]): Set<string> {
  const own = resources.flatMap(({ type, id }) => (type.startsWith("aws:") && id !== undefined ? [id] : []));
  const written = resources.flatMap(({ type, outputs }) => {
    const stdout = type === resourceTypes.command ? outputs?.["stdout"] : undefined;
    return typeof stdout === "string" ? (/"snapshotId":"(snap-[0-9a-f]+)"/.exec(stdout)?.[1] ?? []) : [];
  });
  return new Set([...own, ...written]);
}

/**
 * Whether a state is still as it was read.
 * @throws UserError where a run has changed it meanwhile
 */
export function requireSame(before: State, now: State, stack: string): void {
  const content = (state: State): string => JSON.stringify([resourcesOf(state), pendingOf(state)]);
  if (content(before) === content(now)) return;
  throw new UserError(
    "stack-changed",
    `the state of stack ${stack} was changed meanwhile`,
    "run recover again",
    { where: `stack ${stack}` },
  );
}

/** The state without what was under way: the next `up` begins it anew. */
export function withoutPending(state: State): State {
  return { ...state, deployment: { ...state.deployment, pending_operations: [] } };
}

/** The state with some resources in place of those that it has, and others after those that they hang on. */
export function withResources(
  state: State,
  changed: readonly StateEntry[],
  more: readonly StateEntry[],
): State {
  const byUrn = new Map(changed.map((entry) => [entry.urn, entry]));
  const kept = resourcesOf(state).map((entry) => byUrn.get(entry.urn) ?? entry);
  return { ...state, deployment: { ...state.deployment, resources: [...kept, ...more] } };
}
