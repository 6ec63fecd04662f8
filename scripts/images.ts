/** `npm run images`: what layers, ledger and stack say should exist. Needs no Pulumi, no cloud and no network. */
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { images, type ImagesOptions } from "../src/configuration/images.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const program = new Command("images")
  .description("The images that layers, ledger and stack declare.")
  .option("--json", "all fields, as an array in stable order")
  .option("--only <pattern...>", "images with all of these words of their key; globs too, or a whole key")
  .option("--skip <pattern...>", "but none with any of these")
  .option("--stack <name>", "with the overlays, ledger and versions of Pulumi.<name>.yaml")
  .option("--ledger <file>", "with these releases")
  .option(
    "--overlay <dir>",
    "with this overlay, after the stack's own; can be repeated",
    (dir: string, all: string[] = []) => [...all, dir],
  )
  .option("--explain <key-and-field...>", "KEY FIELD: which layer set which part")
  .option("--root <dir>", "the project's folder", projectRoot);
await runCommand(program, () => images(program.opts<ImagesOptions>(), clouds));
