/** `npm run bench -- WHAT`: runs a benchmark and prints a table. No test depends on the figures. */
import { Command, Option } from "commander";
import { benchBuild } from "../bench/build.ts";
import { benchResolve } from "../bench/resolve.ts";
import { benchScale, layouts } from "../bench/scale.ts";
import { benchUpload } from "../bench/upload.ts";
import { printing, runCommand } from "../src/lib/command.ts";

const program = new Command("npm run bench --").description("Runs a benchmark and prints a table.");

program
  .command("build")
  .description(
    "builds images from packages alone (cold) and with caches (warm), and boot-tests them; compares builders; or builds a release",
  )
  .option(
    "--only <pattern...>",
    "only images whose key has all of these words; also globs or whole keys (default: Tiny Cloud for NoCloud on x86_64; with --fleet, a release)",
  )
  .option("--skip <pattern...>", "skip images that match any of these")
  .option("--stack <name>", "the stack whose mirror and build settings to use", "dev")
  .addOption(
    new Option("--caches <state...>", "cold, warm, or both, which also compares their bytes")
      .choices(["cold", "warm"])
      .default(["cold", "warm"]),
  )
  .option("--no-boot", "skip the boot tests")
  .option(
    "--isolation <list>",
    "compare where builds run: vm, namespace, or vm,namespace; empties the caches",
  )
  .option(
    "--against <peer>",
    "compare with this script of alpine-make-vm-image, or the one in this folder; needs root",
  )
  .addOption(
    new Option("--fleet", "build all images of a release from empty caches, and print the total")
      .default(false)
      .conflicts("against"),
  )
  .option(
    "--runs <n>",
    "how often to measure each thing (default: 3 with --isolation or --against, otherwise 1)",
  )
  .option(
    "--at-once <n>",
    "how many to measure at once, limited by the build slots (default: 2 with --fleet, otherwise 1)",
  )
  .option("--phases", "also print the time of each build phase", false)
  .option("--json", "print JSON instead of a table", false)
  .action(benchBuild);

program
  .command("resolve")
  .description(
    "loads and resolves the ledger's images, the program's own share of a preview, and then 1,000 images",
  )
  .option("--runs <n>", "how many times to run", "5")
  .action(printing((options: { runs: string }) => benchResolve(Number(options.runs))));

program
  .command("upload")
  .description(
    "uploads a synthetic image to moto, the tests' AWS emulator: to S3, and directly to a snapshot",
  )
  .option("--mib <n>", "size of its disk in MiB", "1024")
  .option("--filled <percent>", "percentage of the disk that is not zeroes", "25")
  .addOption(new Option("--way <way>", "only this import method").choices(["vmimport", "direct"]))
  .option("--json", "print JSON instead of a table", false)
  .action(printing(benchUpload));

program
  .command("scale")
  .description("previews and publishes many images, with all their AWS resources, in the tests' AWS emulator")
  .option("--images <n...>", "how many images, one measurement per number; an Alpine version has 12", [
    "12",
    "60",
    "120",
  ])
  .option("--regions <n>", "how many regions to publish each image to", "28")
  .addOption(
    new Option(
      "--layout <layout...>",
      "all in one stack, or one stack per Alpine version, one after the other",
    )
      .choices(layouts)
      .default([...layouts]),
  )
  .option("--no-up", "only previews")
  .option("--limit <seconds>", "stop a command after this time, and show it as longer than that", "900")
  .option("--json", "print JSON instead of a table", false)
  .action(printing(benchScale));

await runCommand(program);
