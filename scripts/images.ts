/** `npm run images`: lists the images that layers, ledger and stack declare. Needs no Pulumi, cloud or network. */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { images, type ImagesOptions } from "../src/configuration/images.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const program = new Command("images")
  .description("Lists the images that layers, ledger and stack declare.")
  .option("--json", "print all fields as a JSON array, in stable order")
  .option("--only <pattern...>", "only images whose key has all of these words; also globs or whole keys")
  .option("--skip <pattern...>", "skip images that match any of these")
  .option("--stack <name>", "use the overlays, ledger and versions of Pulumi.<name>.yaml")
  .option("--ledger <file>", "use the releases in this ledger")
  .option(
    "--overlay <dir>",
    "add this overlay after the stack's own; can be repeated",
    (dir: string, all: string[] = []) => [...all, dir],
  )
  .option("--explain <key-and-field...>", "KEY FIELD: show which layer sets which part of a field")
  .option("--root <dir>", "the project's folder", projectRoot);
await runCommand(program, () => images(program.opts<ImagesOptions>(), clouds));
