/** The AMIs that a stack has made: what tells them from those of another stack that has images of the same names. */
import { resourceTypes } from "../resource-types.ts";
import { exportState, resourcesOf, type StateResource } from "../../../src/stacks/state.ts";

/**
 * Ids of the AMIs in a stack's state. During a run of it too: an export takes no lock, and has the last whole state that the
 * engine has written, with all that earlier runs have made.
 * @throws UserError where the backend can't be read
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
