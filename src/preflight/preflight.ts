/** Checks what a stack needs before it publishes, in every cloud that gets its images. */
import { declaredBy } from "../configuration/index.ts";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { readStackFile, type StackSettings } from "../configuration/settings.ts";
import type { DeclaredImage } from "../configuration/variant.ts";
import type { Output } from "../lib/command.ts";
import { type CheckResult, countText, errorsOf, resultTable } from "./check-result.ts";

/** What a stack plans in a cloud's account, and how to check the account. */
export interface Preflight {
  /** The number of images that the stack brings to the cloud. */
  readonly images: number;
  /** What the cloud calls an image: `AMI`. */
  readonly noun: { one: string; many: string };
  /**
   * Checks the account. Changes nothing.
   * @param options.stack the stack whose state shows which images are its own. @default only tags show that
   * @param options.now ISO 8601, UTC. @default the clock
   */
  run(options?: { stack?: string; now?: string }): Promise<CheckResult[]>;
  /**
   * The checks that an update-only run must pass at this time; undefined if it needs none.
   * @param now ISO 8601, UTC
   */
  checksBeforeUpdate(now: string): readonly string[] | undefined;
}

/** A cloud, as preflight sees it. */
export interface PreflightCloud extends CloudRules {
  readonly publishing?: {
    preflight?(declared: readonly DeclaredImage[], settings: StackSettings): Preflight | undefined;
  };
}

export interface PreflightOptions {
  /** The project's folder. */
  root: string;
  stack: string;
  json?: boolean;
}

/** Checks the accounts that a stack publishes to. Changes nothing. The exit code is 1 if there are errors. */
export async function preflight(
  { root, stack, json }: PreflightOptions,
  clouds: readonly PreflightCloud[],
): Promise<Output> {
  const settings = readStackFile(root, stack, clouds);
  const declared = declaredBy(root, settings, clouds);
  const plans = clouds.flatMap(({ publishing }) => publishing?.preflight?.(declared, settings) ?? []);
  if (plans.length === 0) {
    const text = json
      ? "[]"
      : `stack ${stack} brings no image to a cloud (stage ${settings.stage}): nothing to check`;
    return { text, warnings: [] };
  }
  const results = (await Promise.all(plans.map((plan) => plan.run({ stack })))).flat();
  if (errorsOf(results).length > 0) process.exitCode = 1;
  if (json) return { text: JSON.stringify(results, null, 2), warnings: [] };
  const count = countText(results);
  const end = count === "" ? "ready" : `${count}; nothing was changed`;
  const planned = plans.map(({ images, noun }) => `${images} ${images === 1 ? noun.one : noun.many} planned`);
  return { text: `${resultTable(results)}\n${planned.join(", ")}: ${end}`, warnings: [] };
}
