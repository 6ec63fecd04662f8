/** `npm run bench -- WHAT`: measures, and prints a table. Figures are for reading; no test depends on them. */
import { Command, Option } from "commander";
import { benchBuild } from "../bench/build.ts";
import { benchResolve } from "../bench/resolve.ts";
import { benchScale, layouts } from "../bench/scale.ts";
import { benchUpload } from "../bench/upload.ts";
import { printing, runCommand } from "../src/lib/command.ts";

const program = new Command("npm run bench --").description("Measures, and prints a table.");

program
  .command("build")
  .description("builds images from packages alone (cold) and with what is kept (warm), and boot-tests them")
  .option("--only <pattern...>", "images with all of these words of their key; globs too, or a whole key", [
    "3.23.6-x86_64-*-tiny-nocloud",
  ])
  .option("--skip <pattern...>", "but none with any of these")
  .option("--stack <name>", "whose mirror and build settings to use", "dev")
  .addOption(
    new Option("--caches <state...>", "cold, warm, or both: then their bytes are compared")
      .choices(["cold", "warm"])
      .default(["cold", "warm"]),
  )
  .option("--no-boot", "leave out the boot tests")
  .option("--at-once <n>", "how many are measured beside each other, as far as there are build slots", "1")
  .option("--phases", "also print what each phase of a build took", false)
  .option("--json", "print JSON instead of a table", false)
  .action(benchBuild);

program
  .command("resolve")
  .description(
    "loads and resolves the ledger's images, the program's own share of a preview; and 1,000 of them",
  )
  .option("--runs <n>", "how often", "5")
  .action(printing((options: { runs: string }) => benchResolve(Number(options.runs))));

program
  .command("upload")
  .description(
    "brings a made-up image to moto, the tests' AWS on loopback: to S3, and to a snapshot directly",
  )
  .option("--mib <n>", "size of its disk", "1024")
  .option("--filled <percent>", "share of it that is not zeroes", "25")
  .addOption(new Option("--way <way>", "one of the two alone").choices(["vmimport", "direct"]))
  .option("--json", "print JSON instead of a table", false)
  .action(printing(benchUpload));

program
  .command("scale")
  .description(
    "previews and publishes many images, with all that they have in AWS, against the tests' double of it on loopback",
  )
  .option("--images <n...>", "how many, a measurement for each; an Alpine version has 12", [
    "12",
    "60",
    "120",
  ])
  .option("--regions <n>", "how many each is published to", "28")
  .addOption(
    new Option(
      "--layout <layout...>",
      "all in one stack, or in one for each Alpine version, after each other",
    )
      .choices(layouts)
      .default([...layouts]),
  )
  .option("--no-up", "previews alone")
  .option("--limit <seconds>", "a command that takes longer is ended, and shown as longer than that", "900")
  .option("--json", "print JSON instead of a table", false)
  .action(printing(benchScale));

await runCommand(program);
