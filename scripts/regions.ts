/** `npm run regions`: the clouds' lists of regions, in configs/regions.yaml. */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { printing, runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { listRegions, type RegionsOptions, updateRegions } from "../src/regions/regions.ts";

const program = new Command("regions").description("The clouds' lists of regions, in configs/regions.yaml.");
const root = ["--root <dir>", "the project's folder", projectRoot] as const;
program
  .command("list")
  .option(...root)
  .action(printing(listRegions));
program
  .command("update [cloud...]")
  .description("add regions that are new; tell of those that are no longer found")
  .option("--from <cloud=place...>", "URL or file in place of the cloud's own list")
  .option("--drop <region...>", "take these out")
  .option("--dry-run", "only say what would be done")
  .option(...root)
  .action(printing((names: string[], options: RegionsOptions) => updateRegions(names, clouds, options)));
await runCommand(program);
