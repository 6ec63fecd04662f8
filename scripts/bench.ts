/** `npm run bench -- WHAT`: measures, and prints a table. Figures are for reading; no test depends on them. */
import os from "node:os";
import path from "node:path";
import { rmSync } from "node:fs";
import Table from "cli-table3";
import { Command } from "commander";
import { loadSources, loadVariants } from "../configs/index.ts";
import type { Ledger } from "../configs/ledger.ts";
import { resolve } from "../configs/resolve.ts";
import { readStackFile } from "../configs/settings.ts";
import { bootTest } from "./boot-test/boot-test.ts";
import { buildDisk } from "./build/build-disk.ts";
import { buildSettings } from "./build/build-settings.ts";
import { startProgress } from "./build/progress.ts";
import { runMain, UserError } from "./lib/user-error.ts";
import { projectRoot, scratchFolder } from "./lib/workspace.ts";

const program = new Command("npm run bench --").description("Measures, and prints a table.");

program
  .command("build")
  .description("builds images from packages alone (cold) and with what is kept (warm), and boot-tests them")
  .argument("[key...]", "image keys", ["3.23.6-x86_64-bios-tiny-nocloud", "3.23.6-x86_64-uefi-tiny-nocloud"])
  .option("--stack <name>", "whose mirror and build settings to use", "dev")
  .option("--runs <n>", "how often each", "1")
  .action((keys: string[], options: { stack: string; runs: string }) =>
    runMain(() => benchBuild(keys, options.stack, Number(options.runs))),
  );

program
  .command("resolve")
  .description(
    "loads and resolves the ledger's images, the program's own share of a preview; and 1,000 of them",
  )
  .option("--runs <n>", "how often", "5")
  .action((options: { runs: string }) => runMain(() => benchResolve(Number(options.runs))));

async function benchBuild(keys: string[], stack: string, runs: number): Promise<void> {
  const settings = readStackFile(projectRoot, stack);
  const build = buildSettings(settings);
  const variants = loadVariants({ root: projectRoot });
  const rows: Record<string, string | number>[] = [];
  for (const key of keys) {
    const variant = variants.find((candidate) => candidate.imageKey === key);
    if (variant === undefined)
      throw new UserError(`no image is called ${key}`, "`npm run images` lists them");
    for (let run = 1; run <= runs; run += 1) {
      for (const caches of ["cold", "warm"] as const) {
        const out = scratchFolder("bench");
        try {
          const progress = startProgress(variant.name);
          const begun = performance.now();
          const image = await buildDisk(variant, build, out, progress, { useCache: caches === "warm" });
          const builtSeconds = (performance.now() - begun) / 1000;
          const phases = progress.seconds();
          const tested = caches === "warm" ? await bootTest(variant, image, progress) : undefined;
          rows.push({
            image: key,
            caches,
            "build s": builtSeconds.toFixed(1),
            ...Object.fromEntries(Object.entries(phases).map(([name, seconds]) => [`${name} s`, seconds])),
            "boot test s": tested?.seconds ?? "",
            "file MiB": (image.size / (1 << 20)).toFixed(1),
            "host MiB": (process.resourceUsage().maxRSS / 1024).toFixed(0),
            accelerator: image.accelerator,
          });
        } finally {
          rmSync(out, { recursive: true, force: true });
        }
      }
    }
  }
  printTransposed(rows);
}

function benchResolve(runs: number): Promise<void> {
  const rows: Record<string, string | number>[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const [loading, { config, ledger }] = timed(() => loadSources({ root: projectRoot }));
    const [resolving, images] = timed(() => resolve(config, ledger));
    const more = enlarged(ledger, Math.ceil(manyImages / images.length));
    const [resolvingMore, moreImages] = timed(() => resolve(config, more));
    rows.push({
      run,
      images: images.length,
      "load ms": loading.toFixed(0),
      "resolve ms": resolving.toFixed(0),
      "share of a preview ms": (loading + resolving).toFixed(0),
      [`resolve ${manyImages} images ms`]: ((resolvingMore / moreImages.length) * manyImages).toFixed(0),
      "memory MiB": (process.resourceUsage().maxRSS / 1024).toFixed(0),
    });
  }
  printTransposed(rows);
  return Promise.resolve();
}

/** A fleet of several years. */
const manyImages = 1000;

/** The same releases this many times over, as further revisions. */
function enlarged(ledger: Ledger, times: number): Ledger {
  const entries = Array.from({ length: times }, (_, i) =>
    ledger.entries.map((entry) => ({ ...entry, revision: entry.revision + 1000 * i })),
  );
  return { ...ledger, entries: entries.flat() };
}

/** Milliseconds, and the result. */
function timed<T>(task: () => T): [number, T] {
  const begun = performance.now();
  const result = task();
  return [performance.now() - begun, result];
}

/** A column for each measurement: there are more figures than fit beside each other. */
function printTransposed(rows: readonly Record<string, string | number>[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const table = new Table({ style: { head: [], border: [] } });
  for (const name of names) table.push({ [name]: rows.map((row) => String(row[name] ?? "")) });
  process.stdout.write(`${table.toString()}\n${machine()}\n`);
}

/** On what it was measured. */
function machine(): string {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown CPU";
  const load = os.loadavg()[0]?.toFixed(1);
  const memory = (os.totalmem() / (1 << 30)).toFixed(0);
  return `${os.cpus().length} × ${cpu}, ${memory} GiB, ${os.platform()} ${os.release()}, load ${load}, ${path.basename(process.execPath)} ${process.version}`;
}

await program.parseAsync();
