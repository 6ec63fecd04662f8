/** `npm run regions`: lists and updates the clouds' regions in configs/regions.yaml. */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { printing, runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { listRegions, type RegionsOptions, updateRegions } from "../src/regions/regions.ts";

const program = new Command("regions").description(
  "Lists and updates the clouds' regions in configs/regions.yaml.",
);
const root = ["--root <dir>", "the project's folder", projectRoot] as const;
program
  .command("list")
  .option(...root)
  .action(printing(listRegions));
program
  .command("update [cloud...]")
  .description("add new regions and report those that no longer exist")
  .option("--from <cloud=place...>", "URL or file to use instead of the cloud's own list")
  .option("--drop <region...>", "remove these regions")
  .option("--dry-run", "only print what would be done")
  .option(...root)
  .action(printing((names: string[], options: RegionsOptions) => updateRegions(names, clouds, options)));
await runCommand(program);
