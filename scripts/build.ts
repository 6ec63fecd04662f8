/** `npm run build -- KEY --out DIR`: builds and boot-tests one image without Pulumi. */
import { createHash } from "node:crypto";
import path from "node:path";
import { Command, Option } from "commander";
import { clouds } from "../clouds/registry.ts";
import { bootCloudOf } from "../src/boot-test/boot-cloud.ts";
import type { Builder, StackSettings } from "../src/configuration/settings.ts";
import { suggest } from "../src/configuration/source.ts";
import type { Variant } from "../src/configuration/variant.ts";
import { bootTest } from "../src/boot-test/boot-test.ts";
import { buildDisk } from "../src/builder/build-disk.ts";
import { type BuildSettings, buildSettings } from "../src/builder/build-settings.ts";
import { inputsDigest } from "../src/builder/inputs.ts";
import { explainPlaces } from "../src/builder/explain-places.ts";
import { startProgress } from "../src/builder/progress.ts";
import { withBuildSlot } from "../src/builder/slots.ts";
import { verifyBuild } from "../src/builder/verify/verify.ts";
import { findVariant, settingsOf } from "../src/configuration/find-variant.ts";
import { defined } from "../src/lib/defined.ts";
import { withFileLock } from "../src/lib/file-lock.ts";
import { printing, runCommand, type Output } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { cacheFolder, projectRoot } from "../src/lib/workspace.ts";
import { buildRemotely } from "../src/remote/build-remotely.ts";

interface Options {
  out?: string;
  isolation?: BuildSettings["isolation"];
  why: boolean;
  stack?: string;
  boot: boolean;
  cache: boolean;
  verify: boolean;
  builder?: string;
  json: boolean;
}

const program = new Command("npm run build --")
  .description("Builds one image and boot-tests it in QEMU, without Pulumi.")
  .argument("[key]", "image key, as listed by `npm run images`: 3.23.6-x86_64-bios-tiny-nocloud")
  .option("--out <folder>", "folder for the image")
  .option("--stack <name>", "use this stack's ledger, mirror and build settings (default: dev, if it exists)")
  .addOption(
    new Option("--isolation <kind>", "where to build, instead of the stack's build.isolation").choices([
      "auto",
      "vm",
      "namespace",
    ]),
  )
  .option("--why", "only explain where images would be built on this machine, and what is missing", false)
  .option("--no-boot", "skip the boot test")
  .option("--no-cache", "build from packages alone, without the results of earlier builds")
  .option(
    "--verify",
    "build it again from packages alone, in the other isolation if possible, and report which files or blocks differ",
    false,
  )
  .option("--builder <host>", "build on this builder of the stack, not locally")
  .option("--json", "print the result as JSON on stdout", false)
  .action(printing(main));

async function main(key: string | undefined, options: Options): Promise<Output> {
  const settings = settingsOf(options.stack, clouds);
  const build = { ...buildSettings(settings), ...defined({ isolation: options.isolation }) };
  if (options.why) return { text: await explainPlaces(build, options.json), warnings: [] };
  if (key === undefined || options.out === undefined) {
    throw new UserError(
      "usage",
      key === undefined ? "an image key is missing" : "--out is missing",
      "npm run build -- KEY --out FOLDER; `npm run images` lists the keys",
      { where: key === undefined ? "KEY" : "--out" },
    );
  }
  const variant = findVariant(key, settings, clouds);
  const folder = path.resolve(options.out);
  if (options.builder !== undefined) {
    const builder = findBuilder(options.builder, variant, settings, options);
    const input = { variant, inputsDigest: inputsDigest(variant, build), build };
    const built = await buildRemotely(builder, input, folder, (result) => result);
    const text = options.json
      ? JSON.stringify(built, undefined, 2)
      : `${path.resolve(projectRoot, built.file)}\nsha512 ${built.sha512}\nboot test: ${built.bootTest.passed} checks passed in ${built.bootTest.seconds} s`;
    return { text, warnings: [] };
  }
  const buildHere = async (): Promise<Output> => {
    const progress = startProgress(variant.name);
    const { dataSource } = bootCloudOf(clouds, variant.cloud);
    const image = await buildDisk(variant, build, folder, progress, { dataSource, useCache: options.cache });
    const tested = options.boot ? await bootTest(variant, image, clouds, progress) : undefined;
    const seconds = progress.seconds();
    if (options.verify) await verifyBuild(variant, build, image, progress, dataSource);
    progress.phase("done", 100);
    // If they differ, verifyBuild has thrown.
    const identical = options.verify ? true : undefined;
    if (options.json) {
      const text = JSON.stringify({ ...image, bootTest: tested, identical, seconds }, undefined, 2);
      return { text, warnings: [] };
    }
    const lines = [image.file, `sha512 ${image.sha512}`];
    lines.push(...Object.values(image.documents).map(({ file }) => file));
    if (identical) lines.push("identical when built again from packages alone");
    if (tested !== undefined) {
      lines.push(`boot test: ${tested.checks.length} checks passed in ${tested.seconds} s`);
      const { standIns } = tested;
      if (standIns.length > 0) lines.push(`contains stand-ins from the offline kit: ${standIns.join(", ")}`);
    }
    for (const [name, took] of Object.entries(seconds))
      lines.push(`${took.toFixed(1).padStart(7)} s  ${name}`);
    return { text: lines.join("\n"), warnings: [] };
  };
  return await withFileLock(
    lockOf(folder, variant),
    () => withBuildSlot(build.slots, variant.name, buildHere),
    () => process.stderr.write(`${variant.name}: another process is building it into ${folder}; waiting\n`),
  );
}

/** A lock, because two builds of an image into the same folder would write the same files. It is kept in the cache. */
function lockOf(folder: string, { name }: Variant): string {
  const place = createHash("sha256").update(`${folder}\n${name}`).digest("hex");
  return path.join(cacheFolder("outputs"), `${place.slice(0, 32)}.lock`);
}

function findBuilder(host: string, variant: Variant, settings: StackSettings, options: Options): Builder {
  if (!options.boot || !options.cache || options.verify) {
    throw new UserError(
      "usage",
      "--no-boot, --no-cache and --verify do not work with --builder",
      "omit them, or --builder",
      { where: "--builder" },
    );
  }
  const found = settings.builders.find((builder) => builder.host === host && builder.arch === variant.arch);
  if (found !== undefined) return found;
  const hosts = settings.builders.filter(({ arch }) => arch === variant.arch).map((builder) => builder.host);
  throw new UserError(
    "unknown-builder",
    `the stack has no builder ${host} for ${variant.arch}${suggest(host, hosts)}`,
    `add it to the stack's builders${hosts.length === 0 ? "" : `, or use one of ${hosts.join(", ")}`}`,
    { where: host },
  );
}

await runCommand(program);
