/**
 * The project in a folder of its own, with the real CLI: its images, storage, locks and state are nobody else's, so a
 * developer's stack in the real checkout is never touched. Only caches are shared: packages, the appliance, what
 * images have in common, and which accelerator works here.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { nameOf, type StateResource } from "../../src/stacks/state.ts";
import { PulumiProject, resultOf } from "../helpers/pulumi-project.ts";

const projectRoot = resolve(import.meta.dirname, "../..");

/** What the project's programs are; the Pulumi project's file and program come apart. */
const programs = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "clouds",
  "components",
  "configs",
  "scripts",
  "src",
];

/** The command of a step, by the end of its Pulumi name. */
export type StepSuffix = "disk" | "artifact" | "metadata";

/** What a preview says of a stack: what would be done to each resource, by Pulumi name, and its warnings. */
export interface Preview {
  changes: Record<string, string>;
  warnings: string[];
}

/** Lets another work folder have the project's caches, but for the slots of its guests. */
export function linkCaches(workFolder: string): void {
  const cache = join(projectRoot, "work/cache");
  mkdirSync(join(workFolder, "cache"), { recursive: true });
  for (const name of ["packages", "appliance", "base", "initramfs"]) {
    mkdirSync(join(cache, name), { recursive: true });
    symlinkSync(join(cache, name), join(workFolder, "cache", name));
  }
  const answers = "accelerator-probes.json";
  if (existsSync(join(cache, answers))) cpSync(join(cache, answers), join(workFolder, "cache", answers));
}

/** A checkout with one selected stack, `test`. */
export class Checkout extends PulumiProject {
  readonly stack = "test";

  /** @param program the text of an index.ts in place of the project's own */
  constructor(program?: string) {
    super(program ?? {});
    for (const name of program === undefined ? [...programs, "index.ts", "Pulumi.yaml"] : programs) {
      cpSync(join(projectRoot, name), this.path(name), { recursive: true });
    }
    symlinkSync(join(projectRoot, ".tools"), this.path(".tools"));
    linkCaches(this.path("work"));
  }

  async initialize(config: Record<string, unknown> = {}): Promise<void> {
    this.configure(config);
    await this.succeed("stack", "init", this.stack);
  }

  /** Writes the stack's settings anew. */
  configure(config: Record<string, unknown>): void {
    this.write(`Pulumi.${this.stack}.yaml`, stringify({ config }));
  }

  /** Files below a folder of the checkout, hidden ones included, sorted; none where the folder is not there. */
  files(...folder: string[]): string[] {
    const parent = this.path(...folder);
    if (!existsSync(parent)) return [];
    return readdirSync(parent, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(parent.length + 1))
      .sort();
  }

  /** The tracked command of a step as the state has it. */
  async command(suffix: StepSuffix): Promise<StateResource | undefined> {
    return (await this.resources()).find(
      ({ type, urn }) => type === "command:local:Command" && urn.endsWith(`-${suffix}`),
    );
  }

  /** The one-line result of a step's command as the state has it. */
  async result(suffix: StepSuffix): Promise<Record<string, unknown> | undefined> {
    const stdout = (await this.command(suffix))?.outputs?.["stdout"];
    return typeof stdout === "string" ? (JSON.parse(stdout) as Record<string, unknown>) : undefined;
  }

  /** What an `up` would do; resources that stay as they are are left out. */
  async preview(...flags: string[]): Promise<Preview> {
    const child = this.start("preview", "--json", ...flags);
    let printed = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const { code, output } = await resultOf(child);
    assert.equal(code, 0, output);
    const { steps = [], diagnostics = [] } = JSON.parse(printed) as {
      steps?: { op: string; urn: string }[];
      diagnostics?: { severity: string; message?: string }[];
    };
    return {
      changes: Object.fromEntries(
        steps.filter(({ op }) => op !== "same").map(({ op, urn }) => [nameOf(urn), op]),
      ),
      warnings: diagnostics
        .filter(({ severity }) => severity === "warning")
        .map(({ message = "" }) => message),
    };
  }

  async destroy(): Promise<string> {
    return await this.succeed("destroy", "--yes", "--skip-preview");
  }
}
