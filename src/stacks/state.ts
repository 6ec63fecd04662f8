/** Reads and writes a stack's state, in the format of `pulumi stack export` and `import`. No other file parses it. */
import { z } from "zod";
import { fromJson } from "../lib/from-json.ts";
import { UserError } from "../lib/user-error.ts";
import { runPulumi } from "./pulumi-cli.ts";

/** Unknown fields are kept, because recover imports a state again. */
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

/** A resource in a state. A secret value is an object in Pulumi's own format. */
export type StateResource = z.output<typeof resourceSchema>;

const operationSchema = z.looseObject({ type: z.string(), resource: resourceSchema });

/** An operation that was pending when the engine wrote the state, and its resource. */
export type PendingOperation = z.output<typeof operationSchema>;

// An empty stack has no resources. A file without a deployment is not a state.
const stateSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(resourceSchema).nullish(),
    pending_operations: z.array(operationSchema).nullish(),
  }),
});

export type StackState = z.output<typeof stateSchema>;

/** The state in a text; undefined if the text is not a stack export. */
export function findState(text: string): StackState | undefined {
  return stateSchema.safeParse(fromJson(text)).data;
}

/**
 * Reads an exported state.
 * @param text what `pulumi stack export` printed
 * @param from where the text is from, for messages
 * @throws UserError if the text is not a stack export
 */
export function parseState(text: string, from: string): StackState {
  const state = findState(text);
  if (state !== undefined) return state;
  throw new UserError(
    "stack-export-invalid",
    `${from} is not a stack export`,
    "make it with `pulumi stack export`",
    { where: from },
  );
}

/**
 * Exports a stack's state from the backend. This takes no lock: during a run, it gets the last complete state that the engine wrote.
 * @throws UserError if the stack does not exist, or the backend cannot be read
 */
export async function exportState(stack: string): Promise<StackState> {
  return parseState(await runPulumi(["stack", "export"], { stack }), `the state of stack ${stack}`);
}

/**
 * Replaces a stack's state in the backend.
 * @throws UserError if the stack is locked, or the backend refuses the state
 */
export async function importState(stack: string, state: StackState): Promise<void> {
  await runPulumi(["stack", "import"], { stack, input: JSON.stringify(state) });
}

export const resourcesOf = ({ deployment }: StackState): StateResource[] => deployment.resources ?? [];

/** The operations that were pending when the engine wrote the state. */
export const pendingOperations = ({ deployment }: StackState): PendingOperation[] =>
  deployment.pending_operations ?? [];

/** Whether a resource is complete: it has no init errors, and is not a replaced one that is not deleted yet. */
export const isComplete = ({ initErrors, delete: isReplaced }: StateResource): boolean =>
  (initErrors ?? []).length === 0 && isReplaced !== true;

// urn:pulumi:STACK::PROJECT::PARENT-TYPE$TYPE::NAME

/** The stack in a URN. */
export const stackOf = (urn: string): string => urn.split("::")[0]!.slice("urn:pulumi:".length);

/** The project in a URN. */
export const projectOf = (urn: string): string => urn.split("::")[1] ?? "";

/** A resource's name: the end of its URN. */
export const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** A resource's type, without those of its parents. */
export const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";

/** The URN of a resource's provider, which the state has as URN::ID. */
export const providerUrn = (provider: string): string => provider.split("::").slice(0, 4).join("::");
