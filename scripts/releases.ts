/** `npm run releases`: reads and edits the ledger. Its comments and order stay; a result that isn't a ledger isn't written. */
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
  "The ledger: which releases exist, and how far they are brought.",
);
const command = (usage: string, description: string, selects = false) => {
  const sub = program
    .command(usage)
    .description(description)
    .option("--stack <name>", "the ledger and overlays of Pulumi.<name>.yaml")
    .option("--ledger <file>", "this ledger")
    .option("--overlay <dir>", "with this overlay; can be repeated", (dir: string, all: string[] = []) => [
      ...all,
      dir,
    ])
    .option("--root <dir>", "the project's folder", projectRoot)
    .option("--today <date>", "instead of the clock's day", new Date().toISOString().slice(0, 10))
    .option("--dry-run", "only say what would be done");
  return selects
    ? sub
        .option("--only <pattern...>", "images with all of these words")
        .option("--skip <pattern...>", "but none with any of these")
    : sub;
};
const stage = (flag: string, description: string) =>
  new Option(`${flag} <stage>`, description).choices(stages);
const at = (sub: Command) =>
  sub
    .addOption(stage("--at", "stage of the new entry").default("import"))
    .option("--mirror <url>", "whose index tells what is served; a folder too");
const act = <O>(task: (name: string, options: O) => Output | Promise<Output>) =>
  printing((name: string, options: O) => task(name, { ...options, clouds }));

command("list", "every entry").action(printing((options: CommonOptions) => list({ ...options, clouds })));
at(
  command("update [version...]", "add the newest releases").option(
    "--from <url>",
    "Alpine's releases.json, a file too",
    RELEASES_URL,
  ),
).action(printing((versions: string[], options: UpdateOptions) => update(versions, { ...options, clouds })));
at(command("revise <entry>", "add the next revision of a release", true)).action(act(revise));
command("promote <entry>", "raise an entry's stage, to the next one")
  .addOption(stage("--to", "stage to raise it to"))
  .action(act(promote));
command("withdraw <entry>", "let images go below publish; with --to lower the stage", true)
  .addOption(stage("--to", "stage to lower it to"))
  .action(act(withdraw));
command("retire <entry>", "deprecate images", true)
  .option("--on <date>", "from this day on; tomorrow without")
  .option("--undo", "no longer")
  .action(act(retire));
command("remove [entry...]", "mark images to be deleted; with --finish drop those that are marked", true)
  .option("--finish", "after `up`: drop them, which lets the next `up` delete them")
  .option("--stacks <name...>", "with --finish: the stacks whose state is asked")
  .option("--state <file...>", "with --finish: exports of their state instead")
  .action(
    printing((names: string[], options: FinishOptions & { finish?: boolean }) =>
      removeOrFinish(names, { ...options, clouds }),
    ),
  );
command("prune", "propose images to remove, by rule", true)
  .option("--rule <rule...>", `only by these: ${rules.join(", ")}`)
  .option("--live <file>", "when each image was last launched")
  .option("--write", "mark them, as remove does")
  .action(printing((options: PruneOptions) => prune({ ...options, clouds })));
await runCommand(program);
