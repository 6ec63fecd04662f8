/** Reads the configuration and the ledger, and resolves them into the images that should exist. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CloudRules } from "./cloud-rules.ts";
import { readLedger } from "./ledger.ts";
import { CONFIGS, loadConfiguration, overlayFolder } from "./load.ts";
import { resolve, type Overrides } from "./resolve.ts";
import { collect } from "./source.ts";
import type { StackSettings } from "./settings.ts";
import type { DeclaredImage, Variant } from "./variant.ts";

export interface LoadOptions {
  /** The project's root. Errors name files relative to it. */
  root: string;
  /** The clouds that this program knows: `clouds/registry.ts`. */
  clouds: readonly CloudRules[];
  /** Relative to root. @default the last overlay's ledger, or `configs/releases.yaml` */
  ledgerFile?: string | undefined;
  /** Paths from root or from `configs/`, or names in `configs/overlays/`. Later overlays override earlier ones. */
  overlays?: readonly string[];
  /** Only these versions of the ledger; empty for all. */
  versions?: readonly string[];
  overrides?: Overrides;
}

/** Resolves every image that the ledger declares. Depends on files alone. Throws ConfigError with all problems. */
export function loadDeclared({ versions = [], overrides = {}, ...files }: LoadOptions): DeclaredImage[] {
  const { config, ledger } = loadSources(files);
  return resolve(config, ledger, { versions, overrides });
}

/** Every image that a stack declares, by its settings. */
export function declaredBy(
  root: string,
  { overlays, versions, ledger, project, storageUrl }: StackSettings,
  clouds: readonly CloudRules[],
): DeclaredImage[] {
  const overrides = { project, storageUrl };
  return loadDeclared({ root, clouds, overlays, versions, ledgerFile: ledger, overrides });
}

export const loadVariants = (options: LoadOptions): Variant[] =>
  loadDeclared(options).map(({ variant }) => variant);

/** Reads and checks the files. Problems in the configuration and the ledger are reported together. */
export function loadSources({
  root,
  clouds,
  overlays = [],
  ledgerFile: chosen,
}: Pick<LoadOptions, "root" | "clouds" | "overlays" | "ledgerFile">) {
  const read: { config?: ReturnType<typeof loadConfiguration>; ledger?: ReturnType<typeof readLedger> } = {};
  collect([
    () => void (read.config = loadConfiguration(root, overlays, clouds)),
    () => void (read.ledger = readLedger(root, ledgerFile(root, overlays, chosen))),
  ]);
  return { config: read.config!, ledger: read.ledger! };
}

/** An overlay that adds a dimension has its own ledger; other overlays use the common one. */
export function ledgerFile(root: string, overlays: readonly string[], chosen?: string): string {
  if (chosen) return chosen;
  const own = overlays.map((name) => join(overlayFolder(root, name), "releases.yaml"));
  return own.filter((file) => existsSync(join(root, file))).at(-1) ?? join(CONFIGS, "releases.yaml");
}
