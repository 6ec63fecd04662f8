/** `npm run build -- KEY --out DIR`: builds and boot-tests one image without Pulumi. */
import path from "node:path";
import { Command } from "commander";
import { bootTest } from "./boot-test/boot-test.ts";
import { buildDisk } from "./build/build-disk.ts";
import { buildSettings } from "./build/build-settings.ts";
import { startProgress } from "./build/progress.ts";
import { withBuildSlot } from "./build/slots.ts";
import { verifyBuild } from "./build/verify/verify.ts";
import { findVariant, settingsOf } from "./lib/find-variant.ts";
import { runMain } from "./lib/user-error.ts";

interface Options {
  out: string;
  stack?: string;
  boot: boolean;
  cache: boolean;
  verify: boolean;
  json: boolean;
}

const program = new Command("npm run build --")
  .description("Builds one image in QEMU and boot-tests it, without Pulumi.")
  .argument("<key>", "image key, as `npm run images` lists them: 3.23.6-x86_64-bios-tiny-nocloud")
  .requiredOption("--out <folder>", "where the image goes")
  .option(
    "--stack <name>",
    "take ledger, mirror and build settings from this stack (default: dev, where it exists)",
  )
  .option("--no-boot", "leave out the boot test")
  .option("--no-cache", "build from packages alone, without what earlier builds made of the same")
  .option(
    "--verify",
    "build it a second time, from packages alone, and say which files or blocks differ",
    false,
  )
  .option("--json", "print the result as JSON on stdout", false)
  .action((key: string, options: Options) => runMain(() => main(key, options)));

async function main(key: string, options: Options): Promise<void> {
  const settings = settingsOf(options.stack);
  const variant = findVariant(key, settings);
  const build = buildSettings(settings);
  const folder = path.resolve(options.out);
  await withBuildSlot(build.slots, variant.name, async () => {
    const progress = startProgress(variant.name);
    const image = await buildDisk(variant, build, folder, progress, { useCache: options.cache });
    const tested = options.boot ? await bootTest(variant, image, progress) : undefined;
    const seconds = progress.seconds();
    if (options.verify) await verifyBuild(variant, build, image, progress);
    progress.phase("done", 100);
    // What differs ends the program before this.
    const identical = options.verify ? true : undefined;
    if (options.json) {
      process.stdout.write(
        `${JSON.stringify({ ...image, bootTest: tested, identical, seconds }, undefined, 2)}\n`,
      );
      return;
    }
    process.stdout.write(`${image.file}\nsha512 ${image.sha512}\n`);
    for (const { file } of Object.values(image.documents)) process.stdout.write(`${file}\n`);
    if (identical) process.stdout.write("identical when built again, from packages alone\n");
    if (tested !== undefined) {
      process.stdout.write(`boot test: ${tested.checks.length} checks passed in ${tested.seconds} s\n`);
      const { standIns } = tested;
      if (standIns.length > 0)
        process.stdout.write(`the offline kit's stand-ins in it: ${standIns.join(", ")}\n`);
    }
    for (const [name, took] of Object.entries(seconds))
      process.stdout.write(`${took.toFixed(1).padStart(7)} s  ${name}\n`);
  });
}

await program.parseAsync();
