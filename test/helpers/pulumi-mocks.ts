/**
 * Pulumi's mocks with a recorder. It records what is registered, including options that the engine gets but mocks do
 * not. A resource without a mock is an error.
 */
import "../../src/lib/error-stacks.ts";
import * as pulumi from "@pulumi/pulumi";

/** A resource as it was registered. */
export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** `TYPE NAME` of the parent. Undefined for top-level resources. */
  parent: string | undefined;
  deleteBeforeReplace: boolean;
  ignoreChanges: string[];
  customTimeouts: { create: string; update: string; delete: string } | undefined;
  protect: boolean;
  /** `TYPE NAME` of each dependency. */
  dependencies: string[];
  /** Names of the hooks before its create and update. */
  hooks: { beforeCreate: string[]; beforeUpdate: string[] };
}

/** Outputs of a resource from its inputs, by type. */
export type MockTypes = Record<
  string,
  (inputs: Record<string, unknown>, name: string) => Record<string, unknown>
>;

export interface Run {
  resources: Registered[];
  /** Warnings that were logged. */
  warnings: string[];
  outputs: Record<string, unknown>;
}

interface Request {
  toObject(): {
    parent: string;
    deletebeforereplace: boolean;
    ignorechangesList: string[];
    dependenciesList: string[];
    customtimeouts?: { create: string; update: string; pb_delete?: string; delete?: string };
    protect?: boolean;
    hooks?: { beforeCreateList: string[]; beforeUpdateList: string[] };
  };
}
interface Monitor {
  registerResource(request: Request, callback: unknown): Promise<void>;
}

/** An unknown output. */
export const unknown = "(unknown)";

/** Runs a program under mocks to its end, and returns what was registered. `program` returns outputs. */
export async function runWithMocks(
  types: MockTypes,
  preview: boolean,
  program: () => Promise<Record<string, pulumi.Output<unknown>>>,
): Promise<Run> {
  const resources: Registered[] = [];
  let latest: Request | undefined;
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, custom }) {
        const outputsOf = types[type];
        if (outputsOf === undefined) throw new Error(`there is no mock for ${type}`);
        const options = latest!.toObject();
        const [parentType, parentName] = options.parent.split("::").slice(-2);
        resources.push({
          type,
          name,
          inputs: inputs as Record<string, unknown>,
          protect: options.protect === true,
          parent: options.parent === "" ? undefined : `${parentType!.split("$").at(-1)!} ${parentName}`,
          deleteBeforeReplace: options.deletebeforereplace,
          ignoreChanges: options.ignorechangesList,
          dependencies: options.dependenciesList.map((urn) => {
            const [type, name] = urn.split("::").slice(-2);
            return `${type!.split("$").at(-1)!} ${name}`;
          }),
          hooks: {
            beforeCreate: options.hooks?.beforeCreateList ?? [],
            beforeUpdate: options.hooks?.beforeUpdateList ?? [],
          },
          customTimeouts: options.customtimeouts && {
            create: options.customtimeouts.create,
            update: options.customtimeouts.update,
            delete: options.customtimeouts.pb_delete ?? options.customtimeouts.delete ?? "",
          },
        });
        const state = outputsOf(inputs as Record<string, unknown>, name);
        return custom === true ? { id: `${name}-id`, state } : { id: undefined, state };
      },
      call({ token }) {
        throw new Error(`there is no mock for the call ${token}`);
      },
    },
    ...(["alpine", "test", preview] as const),
  );
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  // The mock is called immediately, before anything else can be registered.
  monitor.registerResource = (request, callback) => {
    latest = request;
    return register(request, callback);
  };
  const warnings: string[] = [];
  const warn = console.warn;
  console.warn = (text: string) => warnings.push(text);
  try {
    const outputs = await program();
    const known: Record<string, unknown> = {};
    for (const [name, output] of Object.entries(outputs)) {
      // At preview, an apply of unknown values is never called. These fields are not in Pulumi's types.
      const internal = output as unknown as { isKnown: Promise<boolean>; promise(): Promise<unknown> };
      known[name] = (await internal.isKnown) ? await internal.promise() : unknown;
    }
    // Not in Pulumi's types, but the engine's own run waits with it.
    await (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
    return { resources, warnings, outputs: known };
  } finally {
    console.warn = warn;
  }
}
