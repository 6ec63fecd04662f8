/**
 * A throw-away Pulumi project for end-to-end tests, with the real CLI, the plugins that the bootstrap found, and its own state.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pulumiEnvironment } from "../../src/bootstrap/environment.mjs";
import { parseState, resourcesOf, type StateResource } from "../../src/stacks/state.ts";

const projectRoot = resolve(import.meta.dirname, "../..");

/** The runtime settings from this project's Pulumi.yaml. */
const runtime = {
  name: "nodejs",
  options: { typescript: false, packagemanager: "npm" },
};

export interface PulumiResult {
  code: number | null;
  /** What the CLI printed on both streams. */
  output: string;
}

export class PulumiProject {
  public readonly folder = mkdtempSync(join(tmpdir(), "pulumi-project-"));
  public readonly environment: NodeJS.ProcessEnv;

  /** @param program the text of index.ts, or files by name */
  public constructor(program: string | Record<string, string>) {
    const files = typeof program === "string" ? { "index.ts": program } : program;
    this.write("Pulumi.yaml", JSON.stringify({ name: "test", runtime }));
    this.write("package.json", JSON.stringify({ name: "test", type: "module", main: "index.ts" }));
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    symlinkSync(join(projectRoot, "node_modules"), join(this.folder, "node_modules"));
    this.environment = pulumiEnvironment({ isolatedIn: join(this.folder, "isolated") });
  }

  public write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  public path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Starts the CLI in its own process group. */
  public start(...arguments_: string[]): ChildProcess {
    return spawn("pulumi", ["--non-interactive", "--color=never", ...arguments_], {
      cwd: this.folder,
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  }

  public async run(...arguments_: string[]): Promise<PulumiResult> {
    return await resultOf(this.start(...arguments_));
  }

  /** Runs the CLI. If it fails, the test fails with its output. */
  public async succeed(...arguments_: string[]): Promise<string> {
    const { code, output } = await this.run(...arguments_);
    if (code !== 0) throw new Error(`pulumi ${arguments_.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  public async up(...flags: string[]): Promise<string> {
    return await this.succeed("up", "--yes", "--skip-preview", ...flags);
  }

  public async resources(): Promise<StateResource[]> {
    const exported = await this.succeed("stack", "export");
    return resourcesOf(parseState(exported, `the state of ${this.folder}`));
  }

  /** Destroys the resources and deletes the folder. For use in `after`. */
  public remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Collects what a process prints until it ends. */
export async function resultOf(child: ChildProcess): Promise<PulumiResult> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
