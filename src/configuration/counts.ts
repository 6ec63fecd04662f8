/** Counts a stack's images, for the stack's outputs. */
import { type DeclaredImage, hasReached, reachedStage, stages, type Stage } from "./variant.ts";

/** How many images a stack declares. */
export interface Counts {
  /** Images by the stage they reach, in the order of stages. */
  stages: Partial<Record<Stage, number>>;
  /** Region to the number of images published there. Region names differ between clouds. */
  regions: Record<string, number>;
}

/**
 * Counts a stack's images by stage and region. As a stack output, it lets every preview show what changes at a glance.
 * @param ceiling the stack's stage
 */
export function countsOf(images: readonly DeclaredImage[], ceiling: Stage): Counts {
  const counts: Counts = { stages: {}, regions: {} };
  for (const stage of stages) {
    const number = images.filter(({ state }) => reachedStage(state.stage, ceiling) === stage).length;
    if (number > 0) counts.stages[stage] = number;
  }
  for (const { state, regions } of images) {
    if (!hasReached(state, ceiling, "publish")) continue;
    for (const { name } of regions) counts.regions[name] = (counts.regions[name] ?? 0) + 1;
  }
  return counts;
}
