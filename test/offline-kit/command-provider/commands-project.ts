import { existsSync, readFileSync } from "node:fs";
import type { local } from "@pulumi/command";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import type { StateResource } from "../../../src/stacks/state.ts";
import { PulumiProject } from "../../helpers/pulumi-project.ts";

/** `{$secret: "text"}` in the arguments becomes a Pulumi secret. */
export type CommandSpec = local.CommandArgs & { options?: CustomResourceOptions };

const program = `
import { readFileSync } from "node:fs";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

function revive(_key: string, value: any): any {
  return value !== null && typeof value === "object" && "$secret" in value ? pulumi.secret(value.$secret) : value;
}
const specs = JSON.parse(readFileSync("commands.json", "utf8"), revive);
export const stdout: Record<string, pulumi.Output<string>> = {};
for (const [name, { options, ...args }] of Object.entries<any>(specs)) {
  stdout[name] = new local.Command(name, args, options).stdout;
}
`;

/** A project whose commands are data, so that a test changes them between two runs. */
export class CommandsProject extends PulumiProject {
  public constructor() {
    super(program);
  }

  // No `public`: Node 24 drops the wrong word of `public declare(`.
  declare(specs: Record<string, CommandSpec | Record<string, unknown>>): void {
    this.write("commands.json", JSON.stringify(specs));
  }

  public async initialize(): Promise<void> {
    await this.succeed("stack", "init", "dev");
  }

  /** The lines that commands appended to the file `log` in the project's folder, which is then emptied. */
  public takeLog(): string[] {
    const file = this.path("log");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    this.write("log", "");
    return lines.filter((line) => line !== "");
  }

  public async command(name: string): Promise<StateResource | undefined> {
    return (await this.resources()).find(({ urn }) => urn.endsWith(`command:local:Command::${name}`));
  }
}
