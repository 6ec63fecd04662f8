import { declaredBy } from "../../configs/index.ts";
import { readStackFile } from "../../configs/settings.ts";
import { publishPlan } from "../preflight/plan.ts";
import { recordedIds, resourcesOf, type State, type StateEntry } from "./state.ts";

/** What recovering a stack's images on AWS has come to. */
export interface RecoveredAws {
  /** Resources to add to the state. */
  adopted: StateEntry[];
  /** For people, a line each. */
  notes: string[];
}

/**
 * Finds what is ours on AWS and in no state: see aws-orphans.ts and channels.ts. Undefined where the stack has nothing on AWS.
 * The SDKs are loaded only then.
 */
export async function recoverAws(
  root: string,
  stack: string,
  state: State,
): Promise<RecoveredAws | undefined> {
  const settings = readStackFile(root, stack);
  const declared = declaredBy(root, settings);
  const plan = publishPlan(declared, settings);
  if (plan.images.length === 0 || settings.aws.region === "") return undefined;
  const resources = resourcesOf(state);
  const recorded = recordedIds(resources);
  const { sweepOrphans } = await import("./aws-orphans.ts");
  const { adoptChannels } = await import("./channels.ts");
  const swept = await sweepOrphans(plan, recorded);
  const { entries, leftAlone } = await adoptChannels(declared, settings, resources, recorded);
  return {
    adopted: entries,
    notes: [
      ...swept.deleted.map((what) => `deleted ${what}: private, and in no state`),
      ...entries.map(({ id = "", inputs }) => `took ${id} in ${String(inputs?.["region"])} into the state`),
      ...[...swept.leftAlone, ...leftAlone].map((what) => `left alone: ${what}`),
    ],
  };
}
