/**
 * `npm run targets`: the part of a stack that some of its images are, as `--target` arguments with exact URNs:
 *
 *   npm run pulumi -- up --stack testing $(npm run -s targets -- --stack testing --only aws 3.23)
 *
 * With the images come what they depend on, so that shared resources are there. Images never drop out of the program.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { declaredBy } from "../src/configuration/index.ts";
import { idlePatterns, isSelected, type Selection } from "../src/configuration/select.ts";
import { readStackFile } from "../src/configuration/settings.ts";
import { ConfigError } from "../src/configuration/source.ts";
import { pulumiJson } from "../src/stacks/pulumi-json.ts";
import type { ErrorCode } from "../src/lib/error-codes.ts";
import { runCommand, type Output } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";

/** As exported states and previews have it. */
export interface StackResource {
  urn: string;
  type?: string;
  parent?: string;
  provider?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[]>;
}

/** The resources of an export of a stack's state, or of `pulumi preview --json --show-sames`. */
export function resourcesOf(json: string): StackResource[] {
  const data = JSON.parse(json) as {
    deployment?: { resources?: StackResource[] };
    steps?: { urn: string; newState?: StackResource; oldState?: StackResource }[];
  };
  const steps = (data.steps ?? []).map(({ urn, newState, oldState }) => ({ ...(newState ?? oldState), urn }));
  return [...(data.deployment?.resources ?? []), ...steps];
}

const nameOf = (urn: string): string => urn.split("::").at(-1)!;
const typeOf = (urn: string): string => urn.split("::").at(-2)?.split("$").at(-1) ?? "";

/** The images' own resources, all below them, and all that these depend on; sorted, without doubles. */
export function targetsFor(keys: readonly string[], resources: readonly StackResource[]): string[] {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const belongs = (resource: StackResource | undefined): boolean =>
    resource !== undefined &&
    (keys.some((key) => nameOf(resource.urn) === key || nameOf(resource.urn).startsWith(`${key}-`)) ||
      (resource.parent !== undefined && belongs(byUrn.get(resource.parent))));

  const found = new Set<string>();
  const open = resources.filter(belongs).map(({ urn }) => urn);
  for (let urn = open.pop(); urn !== undefined; urn = open.pop()) {
    if (found.has(urn) || isImplied(urn)) continue;
    found.add(urn);
    const { parent, provider, dependencies = [], propertyDependencies = {} } = byUrn.get(urn) ?? { urn };
    // a provider is named as URN::id
    const providerUrn = provider?.split("::").slice(0, 4).join("::");
    open.push(...[parent, providerUrn].filter((one) => one !== undefined), ...dependencies);
    open.push(...Object.values(propertyDependencies).flat());
  }
  return [...found].sort();
}

/** The stack itself and default providers go with every target. */
const isImplied = (urn: string): boolean =>
  typeOf(urn) === "pulumi:pulumi:Stack" ||
  (typeOf(urn).startsWith("pulumi:providers:") && nameOf(urn).startsWith("default"));

export interface TargetsOptions extends Selection {
  root: string;
  /** Without one, the one that is selected. */
  stack?: string;
  /** A file of `pulumi preview --json --show-sames`, or of `pulumi stack export`; without one, a preview is run. */
  from?: string;
  /** One URN a line, without `--target`. */
  urns?: boolean;
}

export function targets(options: TargetsOptions): Output {
  const { root, stack = selectedStack(), only = [], skip = [] } = options;
  const all = declaredBy(root, readStackFile(root, stack));
  const chosen = all.filter(({ variant }) => isSelected(variant, { only, skip }));
  const idle = idlePatterns(
    all.map(({ variant }) => variant),
    { only, skip },
  );
  const fail = (code: ErrorCode, message: string): never => {
    throw new ConfigError([{ code, file: `stack ${stack}`, path: "", message }]);
  };
  if (chosen.length === 0)
    fail("selection-empty", `--only and --skip leave none of its ${all.length} images`);

  const resources = options.from === undefined ? resourcesOf(preview(stack, fail)) : readSaved(options.from);
  const missing = chosen.filter(({ key }) => !resources.some(({ urn }) => nameOf(urn) === key));
  if (missing.length > 0) {
    fail(
      "stack-resources-missing",
      `${missing[0]!.key} and ${missing.length - 1} more have no resource in ${options.from ?? "the preview"}: is it older than the ledger?`,
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

function readSaved(file: string): StackResource[] {
  try {
    return resourcesOf(readFileSync(file, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `can't be read as a saved preview or an exported state: ${why}`;
    throw new ConfigError([{ code: "file-unreadable", file, path: "", message }]);
  }
}

function selectedStack(): string {
  const args = [join(projectRoot, "scripts/pulumi.mjs"), "stack", "--show-name"];
  try {
    return execFileSync(process.execPath, args, { encoding: "utf8", cwd: projectRoot }).trim();
  } catch {
    const message = "no stack is selected: name one, as --stack dev";
    throw new ConfigError([{ code: "stack-not-selected", file: "--stack", path: "", message }]);
  }
}

function preview(stack: string, fail: (code: ErrorCode, message: string) => never): string {
  try {
    return pulumiJson("preview", "--stack", stack, "--json", "--show-sames");
  } catch (error) {
    return fail("pulumi-failed", `its preview failed: ${(error as Error).message}`);
  }
}

if (process.argv[1] === import.meta.filename) {
  const program = new Command("targets")
    .description("--target arguments for some of a stack's images, with what they depend on.")
    .option("--stack <name>", "the stack; without, the one that is selected")
    .option("--only <pattern...>", "images with all of these words of their key; globs too, or a whole key")
    .option("--skip <pattern...>", "but none with any of these")
    .option(
      "--from <file>",
      "a saved `preview --json --show-sames`, or `stack export`, instead of a preview now",
    )
    .option("--urns", "only the URNs, one a line")
    .option("--root <dir>", "the project's folder", projectRoot);
  await runCommand(program, () => targets(program.opts()));
}
