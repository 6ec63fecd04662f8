/**
 * `npm run targets`: the part of a stack that some of its images are, as `--target` arguments with exact URNs:
 *
 *   npm run pulumi -- up --stack testing $(npm run -s targets -- --stack testing --only aws 3.23)
 *
 * With the images come what they depend on, so that shared resources are there. Images never drop out of the program.
 */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { targets, type TargetsOptions } from "../src/stacks/targets.ts";

const program = new Command("targets")
  .description("--target arguments for some of a stack's images, with what they depend on.")
  .option("--stack <name>", "the stack; without, the one that is selected")
  .option("--only <pattern...>", "images with all of these words of their key; globs too, or a whole key")
  .option("--skip <pattern...>", "but none with any of these")
  .option(
    "--from <file>",
    "a saved `preview --json --show-sames`, or `stack export`, instead of a preview now",
  )
  .option("--urns", "only the URNs, one a line")
  .option("--root <dir>", "the project's folder", projectRoot);
await runCommand(program, () => targets(program.opts<TargetsOptions>(), clouds));
