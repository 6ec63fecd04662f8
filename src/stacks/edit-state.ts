/** Changes to a stack's state, for those who import it again. Pure. */
import { UserError } from "../lib/user-error.ts";
import { pendingOperations, resourcesOf, type StackState, type StateResource } from "./state.ts";

/**
 * Whether a state is still as it was read.
 * @throws UserError where a run has changed it meanwhile
 */
export function requireSame(before: StackState, now: StackState, stack: string): void {
  const content = (state: StackState): string =>
    JSON.stringify([resourcesOf(state), pendingOperations(state)]);
  if (content(before) === content(now)) return;
  throw new UserError(
    "stack-changed",
    `the state of stack ${stack} was changed meanwhile`,
    "run recover again",
  );
}

/** The state without what was under way: the next `up` begins it anew. */
export function withoutPending(state: StackState): StackState {
  return { ...state, deployment: { ...state.deployment, pending_operations: [] } };
}

/** The state with some resources in place of those that it has, and others after those that they hang on. */
export function withResources(
  state: StackState,
  changed: readonly StateResource[],
  more: readonly StateResource[],
): StackState {
  const byUrn = new Map(changed.map((resource) => [resource.urn, resource]));
  const kept = resourcesOf(state).map((resource) => byUrn.get(resource.urn) ?? resource);
  return { ...state, deployment: { ...state.deployment, resources: [...kept, ...more] } };
}
