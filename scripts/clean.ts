/** `npm run clean`: deletes caches, which can be made again; with `--images` built images too. State stays. */
import { Command } from "commander";
import { clean } from "../src/steps/clean.ts";
import { runMain } from "../src/lib/user-error.ts";

const program = new Command("npm run clean --")
  .description("Deletes caches and unfinished files under work/. Stack state and stored images stay.")
  .option("--images", "also the built images that stacks keep under work/images/", false)
  .action((options: { images: boolean }) => runMain(() => Promise.resolve(clean(options))));

await program.parseAsync();
