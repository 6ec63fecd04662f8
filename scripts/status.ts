/**
 * `npm run status`: how far each stack's images have come, by region, from the states in the backend and the ledger in
 * git. Asks no cloud: what was changed there by hand shows after `pulumi refresh`.
 *
 * Exit code 0: all is done; 2: something is pending; 1: a mistake.
 */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { status, type StatusOptions } from "../src/status/status.ts";

const program = new Command("status")
  .description("How far the stacks' images have come, by their states. Exit code 2: something is pending.")
  .option("--stack <name...>", "these stacks; all of the backend's without")
  .option("--only <pattern...>", "images with all of these words of their key; globs too, or a whole key")
  .option("--skip <pattern...>", "but none with any of these")
  .option("--state <file...>", "exports in place of the stacks' states, in the order of --stack")
  .option("--json", "everything, as an array")
  .option("--root <dir>", "the project's folder", projectRoot);
await runCommand(program, () => status(program.opts<StatusOptions>(), clouds));
