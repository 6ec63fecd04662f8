/**
 * `npm run fleet`: a stack for each Alpine version, from one template, and Pulumi's commands over all of them. One stack a version
 * keeps previews and states small, and a bad day local: see docs/benchmarks.md, "Scale".
 */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { make, type MakeOptions } from "../src/fleet/make.ts";
import { runAll } from "../src/fleet/run-all.ts";
import { printing, runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const program = new Command("npm run fleet --").description(
  "A stack for each Alpine version, all from one template, Pulumi.TEMPLATE.yaml.",
);
const command = (usage: string, description: string) =>
  program
    .command(usage)
    .description(description)
    .option("--json", "what was done, as an array", false)
    .option("--root <dir>", "the project's folder", projectRoot);
command("make <template>", "makes the stacks that the ledger's versions ask for, and their settings")
  .option("--force", "overwrite settings that were changed by hand", false)
  .option("--dry-run", "only say what would be done", false)
  .action(printing((template: string, options: MakeOptions) => make(template, { ...options, clouds })));
command(
  "run <template> <command...>",
  "runs a Pulumi command in each stack; after --, as: run release -- preview",
).action((template: string, args: string[], options: { root: string; json: boolean }) =>
  runAll(template, args, { ...options, clouds }),
);
await runCommand(program);
