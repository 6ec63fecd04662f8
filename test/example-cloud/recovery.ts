/** Clears what a broken run left in the example cloud: files that were not finished. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CloudRecovery } from "../../src/recover/cloud-recovery.ts";
import { folderOf } from "./options.ts";
import { imageType } from "./progress.ts";

export const exampleRecovery: CloudRecovery = {
  isIn: ({ deployment }) => (deployment.resources ?? []).some(({ type }) => type === imageType),
  prepare: (_declared, settings) => {
    const folder = folderOf(settings);
    if (folder === "" || !existsSync(folder)) return Promise.resolve(undefined);
    return Promise.resolve((requireAlone) => {
      const notes: string[] = [];
      for (const name of readdirSync(folder).filter((name) => name.endsWith(".unfinished"))) {
        requireAlone();
        rmSync(join(folder, name));
        notes.push(`deleted ${name} in example`);
      }
      return Promise.resolve({ adopted: [], unfinished: [], notes });
    });
  },
};
