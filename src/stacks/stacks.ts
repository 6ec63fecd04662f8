/** This project's stacks in the backend that the Pulumi CLI uses, and their states. */
import { execa } from "execa";
import { z } from "zod";
import { pulumiEnvironment } from "../../scripts/pulumi.mjs";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";

/** As a state has it. Values can be secret: then they are objects of Pulumi's own. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string | undefined;
  inputs?: Record<string, unknown> | undefined;
  outputs?: Record<string, unknown> | undefined;
  /** Set where a refresh did not find it, or a create was cut off. */
  initErrors?: string[] | undefined;
  /** Set where another one has replaced it, and it is still to be deleted. */
  delete?: boolean | undefined;
}

const stateSchema = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          id: z.string().optional(),
          inputs: z.record(z.string(), z.unknown()).optional(),
          outputs: z.record(z.string(), z.unknown()).optional(),
          initErrors: z.array(z.string()).optional(),
          delete: z.boolean().optional(),
        }),
      )
      .default([]),
  }),
});

/**
 * The resources in a stack's exported state.
 * @param from where it is from, for messages
 */
export function readState(json: string, from: string): StateResource[] {
  const result = stateSchema.safeParse(fromJson(json));
  if (result.success) return result.data.deployment.resources;
  throw new UserError(
    "stack-export-invalid",
    `${from} isn't the export of a stack's state`,
    "make it with `pulumi stack export`",
    { where: from },
  );
}

/** The names of the stacks, as `--stack` takes them. */
export async function stackNames(): Promise<string[]> {
  const all = z.array(z.object({ name: z.string() })).parse(fromJson(await pulumi("stack", "ls", "--json")));
  return all.map(({ name }) => name);
}

/** @throws UserError for a stack that isn't there, or a backend that can't be read */
export async function stateOf(stack: string): Promise<StateResource[]> {
  return readState(await pulumi("stack", "export", "--stack", stack), `the state of stack ${stack}`);
}

/**
 * Makes an empty stack, without selecting it.
 * @param secretsProvider what encrypts its secrets; the backend's own way without one
 * @throws UserError where the backend refuses
 */
export async function initStack(stack: string, secretsProvider?: string): Promise<void> {
  const provider = secretsProvider === undefined ? [] : ["--secrets-provider", secretsProvider];
  await pulumi("stack", "init", stack, "--no-select", ...provider);
}

async function pulumi(...args: string[]): Promise<string> {
  try {
    const { stdout } = await execa("pulumi", [...args, "--non-interactive"], {
      env: pulumiEnvironment(),
      cwd: projectRoot,
      stderr: ["pipe"],
    });
    return stdout;
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    const reason = stderr.split("\n").find((line) => line.startsWith("error:")) ?? message.split("\n")[0];
    throw new UserError("pulumi-failed", `pulumi ${args.join(" ")}: ${reason}`, undefined, {
      where: `pulumi ${args.join(" ")}`,
      cause: error,
    });
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
