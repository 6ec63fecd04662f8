/**
 * `npm run targets`: prints `--target` arguments with exact URNs for some of a stack's images:
 *
 *   npm run pulumi -- up --stack testing $(npm run -s targets -- --stack testing --only aws 3.23)
 *
 * Includes the resources that the images depend on. The program itself always declares all images.
 */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { targets, type TargetsOptions } from "../src/stacks/targets.ts";

const program = new Command("targets")
  .description("Prints --target arguments for some of a stack's images and their dependencies.")
  .option("--stack <name>", "the stack (default: the selected one)")
  .option("--only <pattern...>", "only images whose key has all of these words; also globs or whole keys")
  .option("--skip <pattern...>", "skip images that match any of these")
  .option(
    "--from <file>",
    "use a saved `preview --json --show-sames` or `stack export` instead of a new preview",
  )
  .option("--urns", "print only the URNs, one per line")
  .option("--root <dir>", "the project's folder", projectRoot);
await runCommand(program, () => targets(program.opts<TargetsOptions>(), clouds));
