/** `npm run clean`: deletes caches, which can be made again; with `--images` built images too. State stays. */
import { Command } from "commander";
import { clean } from "../src/steps/clean.ts";
import { runCommand } from "../src/lib/command.ts";

const program = new Command("npm run clean --")
  .description("Deletes caches and unfinished files under work/. Stack state and stored images stay.")
  .option("--images", "also the built images that stacks keep under work/images/", false)
  .action(clean);

await runCommand(program);
