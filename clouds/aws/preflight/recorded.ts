/** Finds the AMIs that a stack has made, to tell them from another stack's AMIs of the same names. */
import { resourceTypes } from "../resource-types.ts";
import { exportState, resourcesOf, type StateResource } from "../../../src/stacks/state.ts";

/**
 * Ids of the AMIs in a stack's state. It works during a run of the stack too: an export takes no lock, and has the last
 * complete state that the engine has written, with everything that earlier runs made.
 * @throws UserError if the backend cannot be read
 */
export const recordedIn = async (stack: string): Promise<Set<string>> =>
  imageIds(resourcesOf(await exportState(stack)));

/** Ids of the AMIs in a state. */
export function imageIds(resources: readonly StateResource[]): Set<string> {
  const images: string[] = [resourceTypes.ami, resourceTypes.copy];
  return new Set(
    resources.flatMap(({ type, id }) => (images.includes(type) && id !== undefined ? [id] : [])),
  );
}
