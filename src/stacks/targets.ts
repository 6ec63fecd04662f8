/** Selects a part of a stack for `--target`: the resources of some images, and what they depend on. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { declaredBy } from "../configuration/index.ts";
import { idlePatterns, isSelected, type Selection } from "../configuration/select.ts";
import { readStackFile } from "../configuration/settings.ts";
import { ConfigError } from "../configuration/source.ts";
import { fromJson } from "../lib/from-json.ts";
import type { ErrorCode } from "../lib/error-codes.ts";
import type { Output } from "../lib/command.ts";
import { runPulumi } from "./pulumi-cli.ts";
import { selectedStack } from "./stacks.ts";
import { findState, nameOf, providerUrn, resourceSchema, resourcesOf, typeOf } from "./state.ts";

const relationsSchema = resourceSchema.pick({
  parent: true,
  provider: true,
  dependencies: true,
  propertyDependencies: true,
});

/** A resource and what it depends on, from a state or a preview. */
export type RelatedResource = z.output<typeof relationsSchema> & { urn: string };

/** The output of `pulumi preview --json --show-sames`. A new resource has no old state, and a deleted one has no new state. */
const previewSchema = z.object({
  steps: z.array(
    z.object({
      urn: z.string(),
      newState: relationsSchema.nullish(),
      oldState: relationsSchema.nullish(),
    }),
  ),
});

/** The resources in a stack export or a preview; undefined if the text is neither. */
export function resourcesIn(text: string): RelatedResource[] | undefined {
  const preview = previewSchema.safeParse(fromJson(text)).data;
  if (preview !== undefined) {
    return preview.steps.map(({ urn, newState, oldState }) => ({ ...(newState ?? oldState), urn }));
  }
  const state = findState(text);
  return state === undefined ? undefined : resourcesOf(state);
}

/** The images' resources, their children, and everything that these depend on; sorted, without duplicates. */
export function targetsFor(keys: readonly string[], resources: readonly RelatedResource[]): string[] {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const belongs = (resource: RelatedResource | undefined): boolean =>
    resource !== undefined &&
    (keys.some((key) => nameOf(resource.urn) === key || nameOf(resource.urn).startsWith(`${key}-`)) ||
      (resource.parent !== undefined && belongs(byUrn.get(resource.parent))));

  const found = new Set<string>();
  const open = resources.filter(belongs).map(({ urn }) => urn);
  for (let urn = open.pop(); urn !== undefined; urn = open.pop()) {
    if (found.has(urn) || isImplied(urn)) continue;
    found.add(urn);
    const { parent, provider, dependencies, propertyDependencies } = byUrn.get(urn) ?? { urn };
    if (parent !== undefined) open.push(parent);
    if (provider !== undefined) open.push(providerUrn(provider));
    open.push(...(dependencies ?? []));
    open.push(...Object.values(propertyDependencies ?? {}).flatMap((urns) => urns ?? []));
  }
  return [...found].sort();
}

/** The stack and default providers are part of every target. */
const isImplied = (urn: string): boolean =>
  typeOf(urn) === "pulumi:pulumi:Stack" ||
  (typeOf(urn).startsWith("pulumi:providers:") && nameOf(urn).startsWith("default"));

export interface TargetsOptions extends Selection {
  root: string;
  /** @default the selected stack */
  stack?: string;
  /** A file with the output of `pulumi preview --json --show-sames` or `pulumi stack export`. @default a new preview */
  from?: string;
  /** Prints one URN per line, without `--target`. */
  urns?: boolean;
}

/**
 * The `--target` arguments for the chosen images, one per line.
 * @throws ConfigError if no image is chosen, if the preview or state cannot be read, or if it lacks a chosen image
 */
export async function targets(options: TargetsOptions, clouds: readonly CloudRules[]): Promise<Output> {
  const { root, only = [], skip = [] } = options;
  const stack = options.stack ?? (await nameOfSelected());
  const all = declaredBy(root, readStackFile(root, stack, clouds), clouds);
  const chosen = all.filter(({ variant }) => isSelected(variant, { only, skip }));
  const idle = idlePatterns(
    all.map(({ variant }) => variant),
    { only, skip },
  );
  const fail = (message: string, code: ErrorCode = "stack-resources-missing"): never =>
    refuse(code, `stack ${stack}`, message);
  if (chosen.length === 0)
    fail(`--only and --skip leave no image (images in the stack: ${all.length})`, "selection-empty");

  const resources = options.from === undefined ? await preview(stack, fail) : readSaved(options.from);
  const missing = chosen.filter(({ key }) => !resources.some(({ urn }) => nameOf(urn) === key));
  if (missing.length > 0) {
    fail(
      `${missing[0]!.key} and ${missing.length - 1} more have no resource in ${options.from ?? "the preview"}: it may be older than the ledger`,
    );
  }
  const urns = targetsFor(
    chosen.map(({ key }) => key),
    resources,
  );
  return {
    text: urns.map((urn) => (options.urns ? urn : `--target ${urn}`)).join("\n"),
    warnings: idle.map((pattern) => `no image has the word "${pattern}"`),
  };
}

function refuse(code: ErrorCode, file: string, message: string): never {
  throw new ConfigError([{ code, file, path: "", message }]);
}

function readSaved(file: string): RelatedResource[] {
  const message = "cannot be read as a saved preview or a stack export";
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    refuse("file-unreadable", file, `${message}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return resourcesIn(text) ?? refuse("stack-export-invalid", file, `${message}: it is neither`);
}

async function nameOfSelected(): Promise<string> {
  try {
    return await selectedStack();
  } catch {
    return refuse("stack-not-selected", "--stack", "no stack is selected: name one, for example --stack dev");
  }
}

async function preview(stack: string, fail: (message: string) => never): Promise<RelatedResource[]> {
  try {
    const printed = await runPulumi(["preview", "--json", "--show-sames"], { stack });
    return resourcesIn(printed) ?? fail("its preview has an unknown format");
  } catch (error) {
    return fail(`its preview failed: ${(error as Error).message}`);
  }
}
