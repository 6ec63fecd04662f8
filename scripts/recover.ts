/**
 * `npm run recover -- --stack NAME`: after a run that was killed, or that failed on AWS. Clears the engine's lock, and forgets
 * creates and deletes that were under way, so that the next `pulumi up` starts them again. On AWS it finds what is ours and in
 * no state, and refreshes: what failed after an AMI was made is recorded as if done, and only the refresh shows it.
 *
 * That is safe for this project's commands: a step writes under unfinished names and renames last, an interrupted
 * build is swept away by the next one, and what was finished but not recorded is found again and taken over.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { execa, ExecaError } from "execa";
import { defined } from "../src/lib/defined.ts";
import { runCommand } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { pulumiEnvironment } from "./pulumi.mjs";
import { awsTask, recoverAws } from "../clouds/aws/recover/recover.ts";
import { dropBrokenAttributes, findLocks, isFileBackend } from "../src/stacks/file-backend.ts";
import { forceHint, isLockRefusal, requireGone, requireNobody } from "../src/stacks/locks.ts";
import {
  hasAws,
  pendingOf,
  requireSame,
  type State,
  stateSchema,
  withoutPending,
  withResources,
} from "../src/stacks/state.ts";

interface Options {
  stack: string;
  force: boolean;
}

const program = new Command("npm run recover --")
  .description(
    "After a killed run: clears the engine's lock and forgets what was under way; on AWS, deletes private images that no state knows.",
  )
  .option("--stack <name>", "the stack to recover", "dev")
  .option(
    "--force",
    "clear the lock also of a run on another machine, or in a backend that is no folder, which may still be going",
    false,
  )
  .action(recover);

async function recover({ stack, force }: Options): Promise<void> {
  const env = pulumiEnvironment({ stack });
  const pulumi: Pulumi = (args, input) =>
    execa("pulumi", [...args, "--stack", stack, "--non-interactive"], {
      env,
      cwd: projectRoot,
      stderr: ["pipe"],
      ...defined({ input }),
    }).catch(explainedFailure(args));

  const inFolder = isFileBackend(env.PULUMI_BACKEND_URL);
  const locks = findLocks(env.PULUMI_BACKEND_URL, stack);
  requireGone(locks, stack, force);
  const broken = dropBrokenAttributes(env.PULUMI_BACKEND_URL);
  for (const file of broken) process.stderr.write(`mended ${file}: a write beside it was cut short\n`);
  const state = await exportState(pulumi);
  const stackFile = `Pulumi.${stack}.yaml`;
  const hasFile = existsSync(path.join(projectRoot, stackFile));
  if (!hasFile && hasAws(state)) {
    throw new UserError(
      "stack-file-missing",
      `${stackFile} is not here, and the stack has images on AWS: nothing was looked for, nor changed`,
      "run recover in the checkout that has the file",
      { where: stackFile },
    );
  }
  const task = hasFile ? await awsTask(projectRoot, stack, state) : undefined;

  if (locks.length > 0 || (force && !inFolder)) {
    await pulumi(["cancel", "--yes"]);
    const held = locks.map(
      ({ username, hostname, pid }) => `, held by ${username} on ${hostname}, process ${pid}`,
    );
    process.stderr.write(`cleared the lock of stack ${stack}${held.join("")}\n`);
  }
  // Of a lock that is in no folder only a command that takes it knows: where somebody holds it, this ends here.
  if (!inFolder) await pulumi(["stack", "import"], JSON.stringify(state));
  const pending = pendingOf(state);
  for (const { type, resource } of pending) process.stderr.write(`forgetting ${type} of ${resource.urn}\n`);
  const requireAlone = (): void => requireNobody(findLocks(env.PULUMI_BACKEND_URL, stack), stack);
  const onAws = task === undefined ? undefined : await recoverAws(task, state, requireAlone);
  for (const note of onAws?.notes ?? []) process.stderr.write(`${note}\n`);
  const { adopted = [], unfinished = [] } = onAws ?? {};
  if (pending.length + adopted.length + unfinished.length > 0) {
    // Waiting for copies can take an hour: a run that began and ended meanwhile must not be forgotten.
    requireAlone();
    requireSame(state, await exportState(pulumi), stack);
    const mended = withResources(withoutPending(state), unfinished, adopted);
    await pulumi(["stack", "import"], JSON.stringify(mended));
  }
  if (onAws !== undefined) {
    process.stderr.write("refreshing: what was made and not finished shows in the next preview\n");
    await pulumi(["refresh", "--yes", "--skip-preview"]);
  }
  process.stderr.write(
    locks.length + broken.length === 0 && pending.length === 0 && (onAws?.notes.length ?? 0) === 0
      ? `stack ${stack} needs no recovery\n`
      : `stack ${stack} is recovered: run \`npm run pulumi -- up --stack ${stack}\` to finish what was interrupted\n`,
  );
}

type Pulumi = (args: string[], input?: string) => Promise<{ stdout: string }>;

async function exportState(pulumi: Pulumi): Promise<State> {
  const { stdout } = await pulumi(["stack", "export"]);
  return stateSchema.parse(JSON.parse(stdout));
}

/** What a failed command printed is what a person needs. */
function explainedFailure(args: readonly string[]): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ExecaError)) throw error;
    const said = [error.stdout, error.stderr].filter(Boolean).join("\n");
    const isLocked = isLockRefusal(said);
    const hint = isLocked ? forceHint : "run recover again once that is mended";
    throw new UserError(
      isLocked ? "stack-locked" : "pulumi-failed",
      `pulumi ${args.join(" ")} failed:\n${said}`,
      hint,
      { where: `pulumi ${args.join(" ")}`, cause: error },
    );
  };
}

await runCommand(program);
