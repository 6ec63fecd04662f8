/**
 * `npm run preflight -- --stack NAME`: checks whether the accounts are ready for what the stack would publish. Changes
 * nothing. A publishing `up` runs the same checks before it uploads anything: see components/preflight-hook.ts.
 */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { preflight, type PreflightOptions } from "../src/preflight/preflight.ts";

const program = new Command("preflight")
  .description("Checks whether the accounts are ready for what a stack would publish. Changes nothing.")
  .requiredOption("--stack <name>", "the stack of Pulumi.<name>.yaml")
  .option("--json", "print the results as a JSON array")
  .option("--root <dir>", "the project's folder", projectRoot);
await runCommand(program, () => preflight(program.opts<PreflightOptions>(), clouds));
