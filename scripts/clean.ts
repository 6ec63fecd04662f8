/** `npm run clean`: deletes caches, which can be made again; with `--images` built images too. State stays. */
import { rmSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { runCommand } from "../src/lib/command.ts";
import { sweepScratchFolders, workFolder } from "../src/lib/workspace.ts";

const program = new Command("npm run clean --")
  .description("Deletes caches and unfinished files under work/. Stack state and stored images stay.")
  .option("--images", "also the built images that stacks keep under work/images/", false)
  .action(({ images }: { images: boolean }) => {
    for (const name of ["cache", ...(images ? ["images"] : [])]) {
      rmSync(path.join(workFolder, name), { recursive: true, force: true });
      process.stderr.write(`deleted work/${name}\n`);
    }
    const busy = sweepScratchFolders();
    process.stderr.write(
      busy.length === 0
        ? "deleted work/tmp\n"
        : `deleted work/tmp, but for what running builds have there: ${busy.join(", ")}\n`,
    );
  });

await runCommand(program);
