/** Benchmark of loading and resolving configuration. */
import { clouds } from "../clouds/registry.ts";
import { loadSources } from "../src/configuration/index.ts";
import type { Ledger } from "../src/configuration/ledger.ts";
import { resolve } from "../src/configuration/resolve.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import type { Output } from "../src/lib/command.ts";
import { figureColumns, type Figures } from "../src/lib/table.ts";
import { machine, peakMib } from "./machine.ts";

/** As many images as a fleet has after several years. */
const manyImages = 1000;

/** `npm run bench -- resolve`: loads and resolves this project's images, and many more. */
export function benchResolve(runs: number): Output {
  const rows: Figures[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const [loading, { config, ledger }] = timed(() => loadSources({ root: projectRoot, clouds }));
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
      "memory MiB": peakMib(),
    });
  }
  return { text: `${figureColumns(rows)}\n${machine()}`, warnings: [] };
}

/** Repeats the same releases this many times, as further revisions. */
function enlarged(ledger: Ledger, times: number): Ledger {
  const entries = Array.from({ length: times }, (_, i) =>
    ledger.entries.map((entry) => ({ ...entry, revision: entry.revision + 1000 * i })),
  );
  return { ...ledger, entries: entries.flat() };
}

/** Runs `work`. Returns milliseconds and the result. */
function timed<T>(task: () => T): [number, T] {
  const begun = performance.now();
  const result = task();
  return [performance.now() - begun, result];
}
