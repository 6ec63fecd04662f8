/** A stack's state, as `pulumi stack export` writes it and `pulumi stack import` takes it. */
import { z } from "zod";

const resourceSchema = z.looseObject({
  urn: z.string(),
  type: z.string(),
  custom: z.boolean().optional(),
  id: z.string().optional(),
  parent: z.string().optional(),
  provider: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});

/** A resource in a state, as far as recover knows it; the rest is kept. */
export type StateEntry = z.output<typeof resourceSchema>;

export const stateSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(resourceSchema).nullish(),
    pending_operations: z
      .array(z.object({ type: z.string(), resource: z.looseObject({ urn: z.string() }) }))
      .nullish(),
  }),
});

export type State = z.output<typeof stateSchema>;

export const resourcesOf = ({ deployment }: State): StateEntry[] => deployment.resources ?? [];

/** Ids of all that a state has on AWS; snapshots that a command wrote are in its result. */
export function recordedIds(resources: readonly StateEntry[]): Set<string> {
  const own = resources.flatMap(({ type, id }) => (type.startsWith("aws:") && id !== undefined ? [id] : []));
  const written = resources.flatMap(({ type, outputs }) => {
    const stdout = type === "command:local:Command" ? outputs?.["stdout"] : undefined;
    return typeof stdout === "string" ? (/"snapshotId":"(snap-[0-9a-f]+)"/.exec(stdout)?.[1] ?? []) : [];
  });
  return new Set([...own, ...written]);
}

/** The state with more resources, after those that they hang on. */
export function withResources(state: State, more: readonly StateEntry[]): State {
  return { ...state, deployment: { ...state.deployment, resources: [...resourcesOf(state), ...more] } };
}
