/** `npm run recover -- --stack NAME`: cleans up after a run that was killed or failed in a cloud. See src/recover/recover.ts. */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { recover, type RecoverOptions } from "../src/recover/recover.ts";

const program = new Command("npm run recover --")
  .description(
    "Cleans up after a killed run: clears the engine's lock and pending operations, and deletes private images in clouds that are in no state.",
  )
  .option("--stack <name>", "the stack to recover", "dev")
  .option(
    "--force",
    "clear the lock even if the run may still be going: on another machine, or in a backend that is not a folder",
    false,
  )
  .action((options: RecoverOptions) => recover(options, clouds));

await runCommand(program);
