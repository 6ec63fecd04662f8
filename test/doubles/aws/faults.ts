/** Faults by plan: which call goes wrong, when, how often and how. */
import { join } from "node:path";
import { z } from "zod";
import { actions, type ActionName } from "./cloud/actions.ts";
import { objectActions, type ObjectAction } from "./cloud/object-actions.ts";
import { AwsError } from "./cloud/aws-error.ts";
import { readIfThere } from "./settings.ts";
import { transaction } from "./store.ts";

/** Every call that a plan can name and the log has: the double's own, and those of the S3 server behind it. */
export type CallName = ActionName | ObjectAction;
const callNames = [...Object.keys(actions), ...objectActions] as [CallName, ...CallName[]];

/** The plan's file in the double's folder, read anew at every call. */
export const planFile = "faults.json";

const faultSchema = z.strictObject({
  action: z.enum(callNames),
  region: z.string().optional(),
  account: z.string().optional(),
  /** A text that the call's parameters hold, as JSON. */
  parameters: z.string().optional(),
  /** `after`: the call has its effect, and the caller doesn't learn of it. */
  when: z.enum(["before", "after"]).default("before"),
  /** How many such calls pass first. */
  skip: z.int().min(0).default(0),
  times: z.union([z.int().min(1), z.literal("always")]).default(1),
  /** `kill-engine` ends the engine and the provider, `kill-provider` the provider alone, both by SIGKILL. */
  does: z.enum(["fail", "throttle", "kill-provider", "kill-engine"]).default("fail"),
  /** What the call fails with; the official SDKs try again after some codes, and so does the double's provider. */
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

/** The first fault of the plan that this call meets, counted in `seen`: how many calls met each fault so far. */
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

/** The fault that this call meets by the folder's plan, if there is one. Counts are kept in a file: a new process goes on with them. */
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
      // Another plan begins to count anew.
      if (content.plan !== text) Object.assign(content, { plan: text, seen: {} });
      return meet(plan, call, content.seen);
    },
  );
}

/** What the caller of a faulty call gets. */
export function errorOf(fault: Fault): AwsError {
  if (fault.error !== undefined) return new AwsError(fault.error.code, fault.error.message);
  return fault.does === "throttle"
    ? new AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    : new AwsError("InjectedFault", `a fault of the test's plan, ${fault.when} the effect`);
}

/** Ends whoever a fault says has to die; the call that met it gets no answer. */
export type Killer = (fault: Fault) => void;

/** A plugin's own: ends this process, and the engine that started it where the fault says so. */
export const killItself: Killer = (fault) => {
  if (fault.does === "kill-engine") process.kill(process.ppid, "SIGKILL");
  process.kill(process.pid, "SIGKILL");
};
