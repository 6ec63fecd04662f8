import * as pulumi from "@pulumi/pulumi";
import type { PublishPlan } from "../scripts/preflight/plan.ts";
import type { CheckResult } from "../scripts/preflight/result.ts";

/**
 * A hook for the first thing that is created of each image that goes to AWS: asks the account, once a run, whether it is ready
 * for the whole plan, and stops with every problem before anything is built or uploaded for it. It does not run at a preview, nor where
 * nothing is created; problems that are only warnings are logged.
 *
 * Names of hooks are unique in a program: make one, and give it to all.
 *
 * @param check `preflight`, or what stands in for it
 */
export function preflightHook(
  plan: PublishPlan,
  check: (plan: PublishPlan) => Promise<CheckResult[]> = async (plan) =>
    (await import("../scripts/preflight/preflight.ts")).preflight(plan),
): pulumi.ResourceHook {
  let checked: Promise<void> | undefined;
  return new pulumi.ResourceHook("preflight", async () => {
    if (checked !== undefined) {
      // The engine creates many at once: one of them tells what is wrong.
      await checked.catch(() => {
        throw new Error("the account is not ready for this stack: see the other errors");
      });
      return;
    }
    checked = report(plan, check);
    await checked;
  });
}

/** Options of what is created where nothing may have been before: the account is looked at first. */
export function lookingBefore(preflight: pulumi.ResourceHook | undefined): {
  hooks?: pulumi.ResourceHookBinding;
} {
  return preflight === undefined ? {} : { hooks: { beforeCreate: [preflight] } };
}

async function report(
  plan: PublishPlan,
  check: (plan: PublishPlan) => Promise<CheckResult[]>,
): Promise<void> {
  const { countText, errorsOf, problemText } = await import("../scripts/preflight/result.ts");
  const results = await check(plan);
  const errors = errorsOf(results);
  const warnings = results.filter(({ level }) => level === "warning");
  if (warnings.length > 0) await pulumi.log.warn(problemText(warnings));
  if (errors.length === 0) return;
  throw new Error(`${countText(errors)}; nothing was uploaded\n${problemText(errors)}`);
}
