/** This project's stacks in the backend that the Pulumi CLI uses. */
import { z } from "zod";
import { fromJson } from "../lib/from-json.ts";
import { runPulumi } from "./pulumi-cli.ts";

/**
 * The names of the stacks, as `--stack` takes them.
 * @throws UserError if the backend cannot be read
 */
export async function stackNames(): Promise<string[]> {
  const printed = await runPulumi(["stack", "ls", "--json"]);
  return z
    .array(z.object({ name: z.string() }))
    .parse(fromJson(printed))
    .map(({ name }) => name);
}

/**
 * The name of the stack that `pulumi stack select` selected.
 * @throws UserError if no stack is selected
 */
export async function selectedStack(): Promise<string> {
  return (await runPulumi(["stack", "--show-name"])).trim();
}

/**
 * Creates an empty stack, without selecting it.
 * @param secretsProvider what encrypts its secrets. @default the backend's default
 * @throws UserError if the backend refuses
 */
export async function initStack(stack: string, secretsProvider?: string): Promise<void> {
  const provider = secretsProvider === undefined ? [] : ["--secrets-provider", secretsProvider];
  await runPulumi(["stack", "init", stack, "--no-select", ...provider]);
}
