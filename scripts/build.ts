/** `npm run build -- KEY --out DIR`: builds and boot-tests one image without Pulumi. */
import path from "node:path";
import { Command } from "commander";
import { loadVariants } from "../configs/index.ts";
import { type StackSettings, readSettings, readStackFile } from "../configs/settings.ts";
import { suggest } from "../configs/source.ts";
import type { Variant } from "../configs/variant.ts";
import { bootTest } from "./boot-test/boot-test.ts";
import { buildDisk } from "./build/build-disk.ts";
import { buildSettings } from "./build/build-settings.ts";
import { startProgress } from "./build/progress.ts";
import { withBuildSlot } from "./build/slots.ts";
import { runMain, UserError } from "./lib/user-error.ts";
import { projectRoot } from "./lib/workspace.ts";

interface Options {
  out: string;
  stack?: string;
  boot: boolean;
  cache: boolean;
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
    progress.phase("done", 100);
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ ...image, bootTest: tested, seconds }, undefined, 2)}\n`);
      return;
    }
    process.stdout.write(`${image.file}\nsha512 ${image.sha512}\n`);
    for (const { file } of Object.values(image.documents)) process.stdout.write(`${file}\n`);
    if (tested !== undefined)
      process.stdout.write(`boot test: ${tested.checks.length} checks passed in ${tested.seconds} s\n`);
    for (const [name, took] of Object.entries(seconds))
      process.stdout.write(`${took.toFixed(1).padStart(7)} s  ${name}\n`);
  });
}

/** The named stack's settings; without a name those of `dev`, or the defaults where there is no `dev` yet. */
function settingsOf(stack: string | undefined): StackSettings {
  if (stack !== undefined) return readStackFile(projectRoot, stack);
  try {
    return readStackFile(projectRoot, "dev");
  } catch {
    return readSettings({});
  }
}

function findVariant(key: string, settings: StackSettings): Variant {
  const { ledger, overlays, project, storageUrl } = settings;
  const load = (ledgerFile?: string): Variant[] =>
    loadVariants({
      root: projectRoot,
      ...(ledgerFile === undefined ? {} : { ledgerFile }),
      overlays,
      overrides: { project, storageUrl },
    });
  const variants = load(ledger === "" ? undefined : ledger);
  // The dev ledger has one image; any image of the common ledger can be built with dev's mirror all the same.
  const all = ledger === "" ? variants : [...variants, ...load()];
  const matches = (variant: Variant): boolean =>
    variant.imageKey === key || `${variant.imageKey}-r${variant.revision}` === key;
  const found = all.find(matches);
  if (found !== undefined) return found;
  const keys = all.map((variant) => variant.imageKey);
  throw new UserError(`no image is called ${key}${suggest(key, keys)}`, "`npm run images` lists them");
}

await program.parseAsync();
