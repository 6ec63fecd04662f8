import * as pulumi from "@pulumi/pulumi";
import type { PublishPlan } from "../clouds/aws/preflight/plan.ts";
import type { CheckResult } from "../src/preflight/check-result.ts";

/** What decides whether AWS takes the day on which an image is to be deprecated. */
const aboutDays: readonly CheckResult["check"][] = ["account", "end of life"];

/**
 * A hook for everything of the images that go to AWS: before the first create of a run it asks the account whether it is ready
 * for the whole plan, and stops with every problem before anything is built, uploaded or switched for it. Where days of
 * deprecation have passed, it asks before the first update, too, whether AWS has them already. It does not run at a preview, nor
 * where nothing is to be done; problems that are only warnings are logged.
 *
 * Names of hooks are unique in a program: make one, and give it to all.
 *
 * @returns undefined where no image goes to AWS
 */
export function preflightHook(plan: PublishPlan): pulumi.ResourceHook | undefined {
  if (plan.images.length === 0) return undefined;
  let asked: Promise<CheckResult[]> | undefined;
  const ask = (): Promise<CheckResult[]> => (asked ??= checkStack(plan));
  const beforeCreate = firstTells(async () => {
    await stopOn(await ask(), "nothing was uploaded");
  });
  const beforeUpdate = firstTells(async () => {
    const results = (await ask()).filter(({ check }) => aboutDays.includes(check));
    await stopOn(results, "nothing was changed");
  });
  return new pulumi.ResourceHook("preflight", async ({ oldInputs }) => {
    if (oldInputs === undefined) return await beforeCreate();
    const now = new Date().toISOString();
    if (plan.images.some(({ deprecated }) => deprecated <= now)) await beforeUpdate();
  });
}

/** Options of what may be the first that a run creates or updates: the account is looked at before. */
export function preflightHooks(preflight: pulumi.ResourceHook | undefined): {
  hooks?: pulumi.ResourceHookBinding;
} {
  return preflight === undefined ? {} : { hooks: { beforeCreate: [preflight], beforeUpdate: [preflight] } };
}

/** The engine does many things at once: one of them tells what is wrong. */
function firstTells(work: () => Promise<void>): () => Promise<void> {
  let first: Promise<void> | undefined;
  return async () => {
    if (first === undefined) return await (first = work());
    await first.catch(() => {
      throw new Error("the account is not ready for this stack: see the other errors");
    });
  };
}

/** The SDKs are loaded only where something is asked. */
const checkStack = async (plan: PublishPlan): Promise<CheckResult[]> =>
  (await import("../clouds/aws/preflight/preflight.ts")).preflight(plan, { stack: qualifiedStack() });

/** With its organization, where the backend has such: a run may be of another one than the user's own. */
function qualifiedStack(): string {
  const [organization, stack] = [pulumi.getOrganization(), pulumi.getStack()];
  // What backends without organizations call it.
  return organization === "organization" ? stack : `${organization}/${stack}`;
}

async function stopOn(results: readonly CheckResult[], soFar: string): Promise<void> {
  const { countText, errorsOf, problemText } = await import("../src/preflight/check-result.ts");
  const errors = errorsOf(results);
  const warnings = results.filter(({ level }) => level === "warning");
  if (warnings.length > 0) await pulumi.log.warn(problemText(warnings));
  if (errors.length === 0) return;
  throw new Error(`${countText(errors)}; ${soFar}\n${problemText(errors)}`);
}
