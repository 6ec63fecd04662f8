/** What all ledger commands share: reading the ledger, choosing images, and writing it back. */
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { writeFileSync } from "node:fs";
import { join, resolve as resolvePath } from "node:path";
import { loadSources } from "../configuration/index.ts";
import { imagesOf, label, LedgerEditor, type LedgerImage } from "../configuration/ledger-edit.ts";
import { parseLedger, type Entry, type Ledger } from "../configuration/ledger.ts";
import type { Configuration } from "../configuration/load.ts";
import { resolve } from "../configuration/resolve.ts";
import { isDay } from "../configuration/schema.ts";
import { isSelected, type Selection } from "../configuration/select.ts";
import { readStackFile } from "../configuration/settings.ts";
import { ConfigError, parseSource } from "../configuration/source.ts";
import type { ErrorCode } from "../lib/error-codes.ts";
import type { Output } from "../lib/command.ts";
import { projectRoot } from "../lib/workspace.ts";

export interface CommonOptions extends Selection {
  root: string;
  /** The clouds that this program knows. */
  clouds: readonly CloudRules[];
  stack?: string;
  ledger?: string;
  overlay?: string[];
  dryRun?: boolean;
  /** YYYY-MM-DD. Ledger commands do not read the clock themselves. */
  today: string;
}

export interface Session {
  options: CommonOptions;
  config: Configuration;
  ledger: Ledger;
  editor: LedgerEditor;
}

export function open(options: CommonOptions): Session {
  if (!isDay(options.today))
    fail("usage", "--today", `expected a date as YYYY-MM-DD, got "${options.today}"`);
  const stack =
    options.stack === undefined ? undefined : readStackFile(options.root, options.stack, options.clouds);
  const overlays = [...(stack?.overlays ?? []), ...(options.overlay ?? [])];
  const { config, ledger } = loadSources({
    root: options.root,
    clouds: options.clouds,
    overlays,
    ledgerFile: options.ledger ?? stack?.ledger,
  });
  return { options, config, ledger, editor: new LedgerEditor(ledger, config.dimensions) };
}

/** Writes the changed ledger if it resolves completely, and reports what was done. */
export async function save(
  { options, config, ledger, editor }: Session,
  did: string[],
  warnings: string[] = [],
): Promise<Output> {
  const { file } = ledger.source;
  if (did.length === 0) return { text: `${file}: nothing to do`, warnings };
  const text = editor.text();
  resolve(config, parseLedger(parseSource(text, file)));
  if (!options.dryRun) writeFileSync(resolvePath(options.root, file), await tidy(text, file));
  return {
    text: [...did, options.dryRun ? `${file}: not written (--dry-run)` : `${file}: written`].join("\n"),
    warnings,
  };
}

/** Formats the text like the project's YAML, if prettier is installed. */
async function tidy(text: string, file: string): Promise<string> {
  try {
    const { format, resolveConfig } = await import("prettier");
    return await format(text, { ...(await resolveConfig(join(projectRoot, file))), parser: "yaml" });
  } catch {
    return text;
  }
}

/** Throws a ConfigError. @param path the entry or option that is wrong */
export const fail = (code: ErrorCode, path: string, message: string): never => {
  throw new ConfigError([{ code, file: "releases", path, message }]);
};

/** The entry's images that --only and --skip select. */
export function chosen({ config, options }: Session, entry: Entry): LedgerImage[] {
  const images = imagesOf(entry, config.dimensions).filter((image) => isSelected(image, options));
  return images.length > 0
    ? images
    : fail("selection-empty", label(entry), "--only and --skip leave none of its images");
}

export const count = (images: readonly unknown[], entry: Entry, { config }: Session): string => {
  const all = imagesOf(entry, config.dimensions).length;
  return images.length === all ? `all ${all} images` : `${images.length} of ${all} images`;
};

export function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}
