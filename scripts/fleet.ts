/**
 * `npm run fleet`: makes a stack for each Alpine version from one template, and runs Pulumi commands in all of them. One
 * stack per version keeps previews and states small, and failures local: see docs/benchmarks.md, "Scale".
 */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { make, type MakeOptions } from "../src/fleet/make.ts";
import { runAll } from "../src/fleet/run-all.ts";
import { printing, runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const program = new Command("npm run fleet --").description(
  "Manages a stack for each Alpine version, from one template, Pulumi.TEMPLATE.yaml.",
);
const command = (usage: string, description: string) =>
  program
    .command(usage)
    .description(description)
    .option("--json", "print what was done as a JSON array", false)
    .option("--root <dir>", "the project's folder", projectRoot);
command("make <template>", "makes stacks and settings for the versions in the ledger")
  .option("--force", "overwrite settings that were edited by hand", false)
  .option("--dry-run", "only print what would be done", false)
  .action(printing((template: string, options: MakeOptions) => make(template, { ...options, clouds })));
command(
  "run <template> <command...>",
  "runs a Pulumi command, given after --, in each stack: run release -- preview",
).action((template: string, args: string[], options: { root: string; json: boolean }) =>
  runAll(template, args, { ...options, clouds }),
);
await runCommand(program);
