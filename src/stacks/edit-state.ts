/** Changes to a stack's state before it is imported again. Pure. */
import { UserError } from "../lib/user-error.ts";
import { pendingOperations, resourcesOf, type StackState, type StateResource } from "./state.ts";

/**
 * Checks that a state has not changed since it was read.
 * @throws UserError if a run has changed it
 */
export function requireSame(before: StackState, now: StackState, stack: string): void {
  const content = (state: StackState): string =>
    JSON.stringify([resourcesOf(state), pendingOperations(state)]);
  if (content(before) === content(now)) return;
  throw new UserError(
    "stack-changed",
    `the state of stack ${stack} changed during recovery`,
    "run recover again",
  );
}

/** The state without pending operations: the next `up` starts them again. */
export function withoutPending(state: StackState): StackState {
  return { ...state, deployment: { ...state.deployment, pending_operations: [] } };
}

/** The state with some resources replaced, and others added at the end, after those they depend on. */
export function withResources(
  state: StackState,
  changed: readonly StateResource[],
  more: readonly StateResource[],
): StackState {
  const byUrn = new Map(changed.map((resource) => [resource.urn, resource]));
  const kept = resourcesOf(state).map((resource) => byUrn.get(resource.urn) ?? resource);
  return { ...state, deployment: { ...state.deployment, resources: [...kept, ...more] } };
}
