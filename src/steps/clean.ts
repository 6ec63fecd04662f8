import { rmSync } from "node:fs";
import path from "node:path";
import { sweepScratchFolders, workFolder } from "../lib/workspace.ts";
import { imagesFolder } from "./image-folder.ts";

/** Deletes caches and unfinished files under work/, with `images` also the built images; says what on standard error. */
export function clean({ images }: { images: boolean }): void {
  for (const folder of [path.join(workFolder, "cache"), ...(images ? [imagesFolder] : [])]) {
    rmSync(folder, { recursive: true, force: true });
    process.stderr.write(`deleted work/${path.basename(folder)}\n`);
  }
  const busy = sweepScratchFolders();
  process.stderr.write(
    busy.length === 0
      ? "deleted work/tmp\n"
      : `deleted work/tmp, but for what running builds have there: ${busy.join(", ")}\n`,
  );
}
