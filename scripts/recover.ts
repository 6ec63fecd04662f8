/**
 * `npm run recover -- --stack NAME`: after a run that was killed, or that failed on AWS. Clears the engine's lock, and forgets
 * creates and deletes that were under way, so that the next `pulumi up` starts them again. On AWS it finds what is ours and in
 * no state, and refreshes: what failed after an AMI was made is recorded as if done, and only the refresh shows it.
 *
 * That is safe for this project's commands: a step writes under unfinished names and renames last, an interrupted
 * build is swept away by the next one, and what was finished but not recorded is found again and taken over.
 */
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "commander";
import { execa, ExecaError } from "execa";
import { runMain, UserError } from "./lib/user-error.ts";
import { projectRoot } from "./lib/workspace.ts";
import { pulumiEnvironment } from "./pulumi.mjs";
import { recoverAws } from "./recover/aws.ts";
import { dropBrokenAttributes, findLocks, isFileBackend } from "./recover/file-backend.ts";
import { type State, stateSchema, withResources } from "./recover/state.ts";

const program = new Command("npm run recover --")
  .description(
    "After a killed run: clears the engine's lock and forgets what was under way; on AWS, deletes private images that no state knows.",
  )
  .option("--stack <name>", "the stack to recover", "dev")
  .action(({ stack }: { stack: string }) => runMain(() => recover(stack)));

async function recover(stack: string): Promise<void> {
  const env = pulumiEnvironment({ stack });
  const pulumi: Pulumi = (args, input) =>
    execa("pulumi", [...args, "--stack", stack, "--non-interactive"], {
      env,
      cwd: projectRoot,
      stderr: ["pipe"],
      ...(input === undefined ? {} : { input }),
    }).catch(explainedFailure(args));

  const locks = findLocks(env.PULUMI_BACKEND_URL, stack);
  const running = locks.find((lock) => lock.hostname === os.hostname() && isPulumi(lock.pid));
  if (running !== undefined) {
    throw new UserError(
      `a run of stack ${stack} is still going: process ${running.pid}, since ${running.timestamp}`,
      "wait for it, or end it with Ctrl-C or `kill -INT`; recover is for runs that are gone",
    );
  }
  const broken = dropBrokenAttributes(env.PULUMI_BACKEND_URL);
  for (const file of broken) process.stderr.write(`mended ${file}: a write beside it was cut short\n`);
  const foreign = locks.find((lock) => lock.hostname !== os.hostname());
  if (foreign !== undefined) {
    process.stderr.write(
      `the lock was taken on ${foreign.hostname} by ${foreign.username}, process ${foreign.pid}: clearing it\n`,
    );
  }
  if (locks.length > 0 || !isFileBackend(env.PULUMI_BACKEND_URL)) {
    await pulumi(["cancel", "--yes"]);
    process.stderr.write(`cleared the lock of stack ${stack}\n`);
  }

  let state = await exportState(pulumi);
  const pending = state.deployment.pending_operations ?? [];
  if (pending.length > 0) {
    for (const { type, resource } of pending) process.stderr.write(`forgetting ${type} of ${resource.urn}\n`);
    state = { ...state, deployment: { ...state.deployment, pending_operations: [] } };
    await pulumi(["stack", "import"], JSON.stringify(state));
  }
  const hasFile = existsSync(path.join(projectRoot, `Pulumi.${stack}.yaml`));
  const onAws = hasFile ? await recoverAws(projectRoot, stack, state) : undefined;
  if (onAws !== undefined) {
    for (const note of onAws.notes) process.stderr.write(`${note}\n`);
    if (onAws.adopted.length > 0)
      await pulumi(["stack", "import"], JSON.stringify(withResources(state, onAws.adopted)));
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
    throw new UserError(
      `pulumi ${args.join(" ")} failed:\n${said}`,
      "run recover again once that is mended",
      {
        cause: error,
      },
    );
  };
}

/** Whether that process is there and is a Pulumi, for numbers are used again. */
function isPulumi(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, "utf8").includes("pulumi");
}

await program.parseAsync();
