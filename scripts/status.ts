/**
 * `npm run status`: shows the progress of each stack's images, by region, from the states in the backend and the ledger
 * in git. Does not query clouds: manual changes there show after `pulumi refresh`.
 *
 * Exit code 0: everything is done; 2: something is pending; 1: an error.
 */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { status, type StatusOptions } from "../src/status/status.ts";

const program = new Command("status")
  .description(
    "Shows the progress of the stacks' images, from their states. Exit code 2: something is pending.",
  )
  .option("--stack <name...>", "only these stacks (default: all stacks in the backend)")
  .option("--only <pattern...>", "only images whose key has all of these words; also globs or whole keys")
  .option("--skip <pattern...>", "skip images that match any of these")
  .option("--state <file...>", "use these exported states instead, in the order of --stack")
  .option("--json", "print everything as a JSON array")
  .option("--root <dir>", "the project's folder", projectRoot);
await runCommand(program, () => status(program.opts<StatusOptions>(), clouds));
