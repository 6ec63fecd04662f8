/** `npm run clean`: deletes caches and, with `--images`, built images. State stays. */
import { Command } from "commander";
import { clean } from "../src/steps/clean.ts";
import { runCommand } from "../src/lib/command.ts";

const program = new Command("npm run clean --")
  .description("Deletes caches and unfinished files under work/. Stack state and stored images stay.")
  .option("--images", "also delete the built images of stacks, under work/images/", false)
  .action(clean);

await runCommand(program);
