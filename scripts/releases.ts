/** `npm run releases`: reads and edits the ledger. Keeps its comments and order, and never writes an invalid ledger. */
import { Command, Option } from "commander";
import { clouds } from "../clouds/registry.ts";
import { stages } from "../src/configuration/variant.ts";
import { printing, runCommand, type Output } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { revise, update, type UpdateOptions } from "../src/releases/add.ts";
import type { CommonOptions } from "../src/releases/ledger-session.ts";
import {
  prune,
  removeOrFinish,
  rules,
  type FinishOptions,
  type PruneOptions,
} from "../src/releases/remove.ts";
import { list, promote, retire, withdraw } from "../src/releases/stage.ts";
import { RELEASES_URL } from "../src/releases/upstream.ts";

const program = new Command("releases").description(
  "Edits the ledger, which lists the releases and their stages.",
);
const command = (usage: string, description: string, selects = false) => {
  const sub = program
    .command(usage)
    .description(description)
    .option("--stack <name>", "use the ledger and overlays of Pulumi.<name>.yaml")
    .option("--ledger <file>", "use this ledger")
    .option("--overlay <dir>", "add this overlay; can be repeated", (dir: string, all: string[] = []) => [
      ...all,
      dir,
    ])
    .option("--root <dir>", "the project's folder", projectRoot)
    .option(
      "--today <date>",
      "use this date instead of the current one",
      new Date().toISOString().slice(0, 10),
    )
    .option("--dry-run", "only print what would be done");
  return selects
    ? sub
        .option(
          "--only <pattern...>",
          "only images whose key has all of these words; also globs or whole keys",
        )
        .option("--skip <pattern...>", "skip images that match any of these")
    : sub;
};
const stage = (flag: string, description: string) =>
  new Option(`${flag} <stage>`, description).choices(stages);
const at = (sub: Command) =>
  sub
    .addOption(stage("--at", "stage of the new entry").default("import"))
    .option("--mirror <url>", "URL or folder of the mirror whose index shows the served release");
const act = <O>(task: (name: string, options: O) => Output | Promise<Output>) =>
  printing((name: string, options: O) => task(name, { ...options, clouds }));

command("list", "list all entries").action(
  printing((options: CommonOptions) => list({ ...options, clouds })),
);
at(
  command("update [version...]", "add the newest releases").option(
    "--from <url>",
    "URL or file of Alpine's releases.json",
    RELEASES_URL,
  ),
).action(printing((versions: string[], options: UpdateOptions) => update(versions, { ...options, clouds })));
at(command("revise <entry>", "add the next revision of a release", true)).action(act(revise));
command("promote <entry>", "raise an entry's stage, by default to the next one")
  .addOption(stage("--to", "stage to raise it to"))
  .action(act(promote));
command("withdraw <entry>", "withdraw images to below stage publish; with --to, lower the stage", true)
  .addOption(stage("--to", "stage to lower it to"))
  .action(act(withdraw));
command("retire <entry>", "deprecate images", true)
  .option("--on <date>", "deprecate from this day on (default: tomorrow)")
  .option("--undo", "undo the deprecation")
  .action(act(retire));
command("remove [entry...]", "mark images for deletion; with --finish, drop the marked ones", true)
  .option("--finish", "after `up`: drop them, so that the next `up` deletes them")
  .option("--stacks <name...>", "with --finish: check the state of these stacks")
  .option("--state <file...>", "with --finish: use these exported states instead")
  .action(
    printing((names: string[], options: FinishOptions & { finish?: boolean }) =>
      removeOrFinish(names, { ...options, clouds }),
    ),
  );
command("prune", "propose images to remove, based on rules", true)
  .option("--rule <rule...>", `use only these rules: ${rules.join(", ")}`)
  .option("--live <file>", "file that says when each image was last launched")
  .option("--write", "mark them for deletion, like remove")
  .action(printing((options: PruneOptions) => prune({ ...options, clouds })));
await runCommand(program);
