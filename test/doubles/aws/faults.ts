/** Fault plans: which calls fail, when, how often and how. */
import { join } from "node:path";
import { z } from "zod";
import { actions, type ActionName } from "./cloud/actions.ts";
import { objectActions, type ObjectAction } from "./cloud/object-actions.ts";
import { AwsError } from "./cloud/aws-error.ts";
import { readIfThere } from "./settings.ts";
import { transaction } from "./store.ts";

/** All calls in plans and log: the emulator's own, and those of the S3 server behind it. */
export type CallName = ActionName | ObjectAction;
const callNames = [...Object.keys(actions), ...objectActions] as [CallName, ...CallName[]];

/** The plan's file in the emulator's folder, which is read at every call. */
export const planFile = "faults.json";

const faultSchema = z.strictObject({
  action: z.enum(callNames),
  region: z.string().optional(),
  account: z.string().optional(),
  /** A text that must occur in the call's parameters as JSON. */
  parameters: z.string().optional(),
  /** `after`: the call takes effect, but the caller does not learn of it. */
  when: z.enum(["before", "after"]).default("before"),
  /** How many matching calls pass first. */
  skip: z.int().min(0).default(0),
  times: z.union([z.int().min(1), z.literal("always")]).default(1),
  /** `kill-engine` kills the engine and the provider, `kill-provider` only the provider, both with SIGKILL. */
  does: z.enum(["fail", "throttle", "kill-provider", "kill-engine"]).default("fail"),
  /** What the call fails with. Like the official SDKs, the emulator's provider retries after some codes. */
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
});
export const planSchema = z.array(faultSchema);

export type Fault = z.output<typeof faultSchema>;
export type FaultPlan = z.input<typeof planSchema>;

export interface CallFacts {
  action: CallName;
  account: string;
  region: string;
  params: unknown;
}

export function appliesTo(fault: Fault, call: CallFacts): boolean {
  return (
    fault.action === call.action &&
    (fault.region ?? call.region) === call.region &&
    (fault.account ?? call.account) === call.account &&
    (fault.parameters === undefined || JSON.stringify(call.params).includes(fault.parameters))
  );
}

/** The first fault of the plan that matches this call. `seen` counts the matching calls of each fault. */
export function meet(
  plan: readonly Fault[],
  call: CallFacts,
  seen: Record<string, number>,
): Fault | undefined {
  let met: Fault | undefined;
  plan.forEach((fault, index) => {
    if (met !== undefined || !appliesTo(fault, call)) return;
    const number = (seen[index] ?? 0) + 1;
    const last = fault.times === "always" ? Infinity : fault.skip + fault.times;
    if (number <= last) seen[index] = number;
    if (number > fault.skip && number <= last) met = fault;
  });
  return met;
}

/**
 * The fault of the folder's plan that matches this call, if any. Counts are kept in a file, so that new processes
 * continue them.
 */
export async function takeFault(folder: string, call: CallFacts): Promise<Fault | undefined> {
  const text = readIfThere(join(folder, planFile));
  if (text === undefined) return undefined;
  const plan = planSchema.parse(JSON.parse(text));
  if (!plan.some((fault) => appliesTo(fault, call))) return undefined;
  type Seen = { plan: string; seen: Record<string, number> };
  return await transaction<Seen, Fault | undefined>(
    join(folder, "faults-seen.json"),
    () => ({ plan: text, seen: {} }),
    (content) => {
      // Another plan starts its counts at zero.
      if (content.plan !== text) Object.assign(content, { plan: text, seen: {} });
      return meet(plan, call, content.seen);
    },
  );
}

/** The error that the caller of a faulty call gets. */
export function errorOf(fault: Fault): AwsError {
  if (fault.error !== undefined) return new AwsError(fault.error.code, fault.error.message);
  return fault.does === "throttle"
    ? new AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    : new AwsError("InjectedFault", `a fault of the test's plan, ${fault.when} the effect`);
}

/** Kills what a fault says. The call that met the fault gets no response. */
export type Killer = (fault: Fault) => void;

/** For plugins: kills this process, and if the fault says so, the engine that started it. */
export const killItself: Killer = (fault) => {
  if (fault.does === "kill-engine") process.kill(process.ppid, "SIGKILL");
  process.kill(process.pid, "SIGKILL");
};
