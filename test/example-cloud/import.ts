/** Step `example-import`: an image is a file in the account's folder. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Step } from "../../src/steps/step.ts";

export interface ImportInput {
  folder: string;
  name: string;
  sha512: string;
}

export interface ImportResult {
  imageId: string;
}

// eslint-disable-next-line @typescript-eslint/require-await -- a step returns promises
async function put({ folder, name, sha512 }: ImportInput): Promise<ImportResult> {
  const file = join(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.unfinished`, `${sha512}\n`);
  renameSync(`${file}.unfinished`, file);
  return { imageId: `image-${sha512.slice(0, 12)}` };
}

export const importStep: Step<ImportInput, ImportResult> = {
  create: put,
  update: put,
  // eslint-disable-next-line @typescript-eslint/require-await -- a step returns promises
  delete: async ({ folder, name }) => rmSync(join(folder, name), { force: true }),
};
