/** `npm run recover -- --stack NAME`: after a run that was killed, or that failed in a cloud. See src/recover/recover.ts. */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { recover, type RecoverOptions } from "../src/recover/recover.ts";

const program = new Command("npm run recover --")
  .description(
    "After a killed run: clears the engine's lock and forgets what was under way; in clouds, deletes private images that no state knows.",
  )
  .option("--stack <name>", "the stack to recover", "dev")
  .option(
    "--force",
    "clear the lock also of a run on another machine, or in a backend that is no folder, which may still be going",
    false,
  )
  .action((options: RecoverOptions) => recover(options, clouds));

await runCommand(program);
