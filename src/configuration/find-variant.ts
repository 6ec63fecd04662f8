/** Finds one image by its key, for programs that build or boot it without Pulumi. */
import { existsSync } from "node:fs";
import path from "node:path";
import { defined } from "../lib/defined.ts";
import type { CloudRules } from "./cloud-rules.ts";
import { loadVariants } from "./index.ts";
import { type StackSettings, readSettings, readStackFile } from "./settings.ts";
import { suggest } from "./source.ts";
import { keyOf, type Variant } from "./variant.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";

/** The named stack's settings. Without a name, those of `dev`, or the defaults if `dev` does not exist yet. */
export function settingsOf(stack: string | undefined, clouds: readonly CloudRules[]): StackSettings {
  if (stack !== undefined) return readStackFile(projectRoot, stack, clouds);
  const hasDev = existsSync(path.join(projectRoot, "Pulumi.dev.yaml"));
  return hasDev ? readStackFile(projectRoot, "dev", clouds) : readSettings({}, clouds);
}

/**
 * The image with this key in a stack's ledger.
 * @throws UserError that suggests a similar key, if no image has this one
 */
export function findVariant(key: string, settings: StackSettings, clouds: readonly CloudRules[]): Variant {
  const { ledger, overlays, project, storageUrl } = settings;
  const load = (ledgerFile?: string): Variant[] =>
    loadVariants({
      root: projectRoot,
      clouds,
      ...defined({ ledgerFile }),
      overlays,
      overrides: { project, storageUrl },
    });
  const variants = load(ledger === "" ? undefined : ledger);
  // The dev ledger has one image, but dev's mirror can build any image of the common ledger.
  const all = ledger === "" ? variants : [...variants, ...load()];
  const matches = (variant: Variant): boolean => variant.imageKey === key || keyOf(variant) === key;
  const found = all.find(matches);
  if (found !== undefined) return found;
  const keys = all.map((variant) => variant.imageKey);
  throw new UserError(
    "unknown-image",
    `no image is called ${key}${suggest(key, keys)}`,
    "`npm run images` lists them",
    { where: key },
  );
}
