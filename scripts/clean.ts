/** `npm run clean`: deletes caches, which can be made again; with `--images` built images too. State stays. */
import { rmSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { runMain } from "../src/lib/user-error.ts";
import { sweepScratchFolders, workFolder } from "../src/lib/workspace.ts";
import { imagesFolder } from "../src/steps/image-folder.ts";

const program = new Command("npm run clean --")
  .description("Deletes caches and unfinished files under work/. Stack state and stored images stay.")
  .option("--images", "also the built images that stacks keep under work/images/", false)
  .action(({ images }: { images: boolean }) =>
    runMain(() => {
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
      return Promise.resolve();
    }),
  );

await program.parseAsync();
