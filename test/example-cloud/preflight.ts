/** Checks the account of the example cloud: its folder must be there. */
import { existsSync } from "node:fs";
import type { StackSettings } from "../../src/configuration/settings.ts";
import { type DeclaredImage, hasReached } from "../../src/configuration/variant.ts";
import type { Preflight } from "../../src/preflight/preflight.ts";
import { folderOf } from "./options.ts";

export function examplePreflight(
  declared: readonly DeclaredImage[],
  settings: StackSettings,
): Preflight | undefined {
  const images = declared.filter(
    ({ variant, state }) => variant.cloud === "example" && hasReached(state, settings.stage, "import"),
  ).length;
  const folder = folderOf(settings);
  if (images === 0) return undefined;
  return {
    images,
    noun: { one: "example image", many: "example images" },
    run: () =>
      Promise.resolve([
        existsSync(folder)
          ? { check: "account", where: folder, level: "ok", found: "the folder is there" }
          : { check: "account", where: folder, level: "error", found: "no folder", remedy: "make it" },
      ]),
    checksBeforeUpdate: () => undefined,
  };
}
