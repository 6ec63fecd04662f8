/** `npm run clean`: deletes caches and unfinished files. */
import { rmSync } from "node:fs";
import path from "node:path";
import { sweepScratchFolders, workFolder } from "../lib/workspace.ts";
import { imagesFolder } from "./image-folder.ts";

/** Deletes caches and unfinished files under work/, and with `images` also the built images. Reports on stderr what it deletes. */
export function clean({ images }: { images: boolean }): void {
  for (const folder of [path.join(workFolder, "cache"), ...(images ? [imagesFolder] : [])]) {
    rmSync(folder, { recursive: true, force: true });
    process.stderr.write(`deleted work/${path.basename(folder)}\n`);
  }
  const busy = sweepScratchFolders();
  process.stderr.write(
    busy.length === 0
      ? "deleted work/tmp\n"
      : `deleted work/tmp, except files of running builds: ${busy.join(", ")}\n`,
  );
}
