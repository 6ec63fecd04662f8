/** What an image of the example cloud has in a stack's state. */
import { commandType, idOf, type StateIndex } from "../../src/stacks/state-index.ts";
import type { CloudProgress } from "../../src/status/cloud-progress.ts";

/** The Pulumi type of an image's component. */
export const imageType = "alpine:example:Image";

const isImported = (key: string, state: StateIndex): boolean => state.has(commandType, `${key}-import`);

export const exampleProgress: CloudProgress = {
  resourceTypes: [imageType],
  imageResources: ({ key }) => [idOf(imageType, key), idOf(commandType, `${key}-import`)],
  isImported,
  imageId: (key, _region, state) => (isImported(key, state) ? key : undefined),
  regionalParts: () => [],
};
