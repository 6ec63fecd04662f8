/** A stack's state, as `pulumi stack export` writes it and `pulumi stack import` takes it: the one reader of it. */
import { z } from "zod";
import { fromJson } from "../lib/from-json.ts";
import { UserError } from "../lib/user-error.ts";
import { runPulumi } from "./pulumi-cli.ts";

/** What it does not name is kept, for recover imports a state again. */
export const resourceSchema = z.looseObject({
  urn: z.string(),
  type: z.string(),
  custom: z.boolean().optional(),
  id: z.string().optional(),
  parent: z.string().optional(),
  protect: z.boolean().optional(),
  provider: z.string().optional(),
  dependencies: z.array(z.string()).nullish(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
  initErrors: z.array(z.string()).nullish(),
  delete: z.boolean().optional(),
});

/** A resource in a state. Values can be secret: then they are objects of Pulumi's own. */
export type StateResource = z.output<typeof resourceSchema>;

const operationSchema = z.looseObject({ type: z.string(), resource: resourceSchema });

/** What was under way when the engine wrote the state, and to which resource. */
export type PendingOperation = z.output<typeof operationSchema>;

// An empty stack has no resources. What has no deployment is another file.
const stateSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(resourceSchema).nullish(),
    pending_operations: z.array(operationSchema).nullish(),
  }),
});

export type StackState = z.output<typeof stateSchema>;

/** The state in a text; undefined where the text is no export of one. */
export function findState(text: string): StackState | undefined {
  return stateSchema.safeParse(fromJson(text)).data;
}

/**
 * Reads an exported state.
 * @param text what `pulumi stack export` printed
 * @param from where it is from, for messages
 * @throws UserError for a text that is no such export
 */
export function parseState(text: string, from: string): StackState {
  const state = findState(text);
  if (state !== undefined) return state;
  throw new UserError(
    "stack-export-invalid",
    `${from} isn't the export of a stack's state`,
    "make it with `pulumi stack export`",
    { where: from },
  );
}

/**
 * A stack's state in the backend. An export takes no lock: during a run it is the last whole state that the engine has written.
 * @throws UserError for a stack that isn't there, or a backend that can't be read
 */
export async function exportState(stack: string): Promise<StackState> {
  return parseState(await runPulumi(["stack", "export"], { stack }), `the state of stack ${stack}`);
}

/**
 * Puts a state in place of a stack's state in the backend.
 * @throws UserError where somebody holds the stack's lock, or where the backend refuses the state
 */
export async function importState(stack: string, state: StackState): Promise<void> {
  await runPulumi(["stack", "import"], { stack, input: JSON.stringify(state) });
}

export const resourcesOf = ({ deployment }: StackState): StateResource[] => deployment.resources ?? [];

/** What was under way when the engine's last word was written. */
export const pendingOperations = ({ deployment }: StackState): PendingOperation[] =>
  deployment.pending_operations ?? [];

/** Whether a resource is there as a whole: neither cut off in the middle nor replaced and not yet deleted. */
export const isComplete = ({ initErrors, delete: isReplaced }: StateResource): boolean =>
  (initErrors ?? []).length === 0 && isReplaced !== true;

// urn:pulumi:STACK::PROJECT::PARENT-TYPE$TYPE::NAME

/** The stack that a URN is of. */
export const stackOf = (urn: string): string => urn.split("::")[0]!.slice("urn:pulumi:".length);

/** The project that a URN is of. */
export const projectOf = (urn: string): string => urn.split("::")[1] ?? "";

/** A resource's name, which ends its URN. */
export const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** A resource's own type, without those of its parents. */
export const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";

/** The URN of a resource's provider, which the state names as URN::ID. */
export const providerUrn = (provider: string): string => provider.split("::").slice(0, 4).join("::");
