import * as pulumi from "@pulumi/pulumi";
import { type CheckResult, countText, errorsOf, problemText } from "../src/preflight/check-result.ts";
import type { Preflight } from "../src/preflight/preflight.ts";

/**
 * A hook for all resources of the images that go to one cloud. Before a run's first create it checks that the account
 * is ready for the whole plan, and reports every problem before anything is built, uploaded or changed. Before the
 * first update it runs the checks that updates need, if any. It does not run at preview, or if there is nothing to do.
 * Warnings are only logged.
 *
 * @param cloud the cloud's name, because names of hooks are unique in a program
 * @returns undefined if no image goes to the cloud
 */
export function preflightHook(
  cloud: string,
  preflight: Preflight | undefined,
): pulumi.ResourceHook | undefined {
  if (preflight === undefined) return undefined;
  let asked: Promise<CheckResult[]> | undefined;
  const ask = (): Promise<CheckResult[]> => (asked ??= preflight.run({ stack: qualifiedStack() }));
  const beforeCreate = onlyFirstReports(async () => {
    await stopOn(await ask(), "nothing was uploaded");
  });
  const beforeUpdate = onlyFirstReports(async (checks: readonly string[]) => {
    const results = (await ask()).filter(({ check }) => checks.includes(check));
    await stopOn(results, "nothing was changed");
  });
  return new pulumi.ResourceHook(`preflight-${cloud}`, async ({ oldInputs }) => {
    if (oldInputs === undefined) return await beforeCreate();
    const checks = preflight.checksBeforeUpdate(new Date().toISOString());
    if (checks !== undefined) await beforeUpdate(checks);
  });
}

/** Options of a resource that may be the first to be created or updated in a run. */
export function preflightHooks(preflight: pulumi.ResourceHook | undefined): {
  hooks?: pulumi.ResourceHookBinding;
} {
  return preflight === undefined ? {} : { hooks: { beforeCreate: [preflight], beforeUpdate: [preflight] } };
}

/** The engine runs many hooks at once. Only the first reports the problems. */
function onlyFirstReports<Args extends unknown[]>(
  work: (...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  let first: Promise<void> | undefined;
  return async (...args) => {
    if (first === undefined) return await (first = work(...args));
    await first.catch(() => {
      throw new Error("the account is not ready for this stack: see the other errors");
    });
  };
}

/** The stack's name with its organization, if the backend has organizations: it need not be the user's own. */
function qualifiedStack(): string {
  const [organization, stack] = [pulumi.getOrganization(), pulumi.getStack()];
  // Backends without organizations use this name.
  return organization === "organization" ? stack : `${organization}/${stack}`;
}

async function stopOn(results: readonly CheckResult[], soFar: string): Promise<void> {
  const errors = errorsOf(results);
  const warnings = results.filter(({ level }) => level === "warning");
  if (warnings.length > 0) await pulumi.log.warn(problemText(warnings));
  if (errors.length === 0) return;
  throw new Error(`${countText(errors)}; ${soFar}\n${problemText(errors)}`);
}
