/**
 * Recovers a stack after a run that was killed or that failed in a cloud. Clears the engine's lock, and drops pending creates and
 * deletes from the state, so that the next `pulumi up` starts them again. Finds our resources in each cloud that are in no state.
 * Then refreshes the state: if a run failed after it made an image, the state says that it is done, and only a refresh shows that
 * it is not.
 *
 * That is safe for this project's commands. A step writes under unfinished names and renames last. The next build deletes the files
 * of an interrupted one. A result that was finished but not recorded is found again and used.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { declaredBy } from "../configuration/index.ts";
import { readStackFile, stackFileName } from "../configuration/settings.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";
import { requireSame, withoutPending, withResources } from "../stacks/edit-state.ts";
import { dropBrokenAttributes, findLocks, isFileBackend } from "../stacks/file-backend.ts";
import { forceHint, isLockRefusal, requireGone, requireNobody } from "../stacks/locks.ts";
import { backendUrl, PulumiError, runPulumi } from "../stacks/pulumi-cli.ts";
import { exportState, importState, pendingOperations, type StackState } from "../stacks/state.ts";
import type { RecoverableCloud, RecoverCloud, Recovered } from "./cloud-recovery.ts";

export interface RecoverOptions {
  stack: string;
  /** Also clears the lock of a run that may still be active. */
  force: boolean;
}

type KnownCloud = CloudRules & RecoverableCloud;

/**
 * Recovers a stack.
 * @param clouds all known clouds
 * @throws UserError if a run of the stack is or may still be active
 */
export async function recover(options: RecoverOptions, clouds: readonly KnownCloud[]): Promise<void> {
  await recoverStack(options, clouds).catch(explainedFailure);
}

async function recoverStack({ stack, force }: RecoverOptions, clouds: readonly KnownCloud[]): Promise<void> {
  const backend = backendUrl(stack);
  const inFolder = isFileBackend(backend);
  const locks = findLocks(backend, stack);
  requireGone(locks, stack, force);
  const broken = dropBrokenAttributes(backend);
  for (const file of broken) process.stderr.write(`repaired ${file}: its attributes were incomplete\n`);
  const state = await exportState(stack);
  const stackFile = stackFileName(stack);
  const hasFile = existsSync(path.join(projectRoot, stackFile));
  const inState = clouds.find(({ publishing }) => publishing?.recovery?.isIn(state) === true);
  if (!hasFile && inState !== undefined) {
    throw new UserError(
      "stack-file-missing",
      `${stackFile} not found, but the stack has images in ${inState.name}: nothing was checked or changed`,
      "run recover in the checkout that has the file",
    );
  }
  const tasks = hasFile ? await cloudTasks(stack, state, clouds) : [];

  if (locks.length > 0 || (force && !inFolder)) {
    await runPulumi(["cancel", "--yes"], { stack });
    const held = locks.map(
      ({ username, hostname, pid }) => `, held by ${username} on ${hostname}, process ${pid}`,
    );
    process.stderr.write(`cleared the lock of stack ${stack}${held.join("")}\n`);
  }
  // If the backend is not a folder, only a command that takes the lock can tell whether it is free. If not, this import fails.
  if (!inFolder) await importState(stack, state);
  const pending = pendingOperations(state);
  for (const { type, resource } of pending)
    process.stderr.write(`dropping pending operation: ${type} ${resource.urn}\n`);
  const requireAlone = (): void => requireNobody(findLocks(backend, stack), stack);
  const recovered: Recovered[] = [];
  for (const recoverCloud of tasks) recovered.push(await recoverCloud(requireAlone));
  const notes = recovered.flatMap((one) => one.notes);
  for (const note of notes) process.stderr.write(`${note}\n`);
  const adopted = recovered.flatMap((one) => one.adopted);
  const unfinished = recovered.flatMap((one) => one.unfinished);
  if (pending.length + adopted.length + unfinished.length > 0) {
    // Waiting for copies can take an hour: do not overwrite the result of a run that started and ended meanwhile.
    requireAlone();
    requireSame(state, await exportState(stack), stack);
    const mended = withResources(withoutPending(state), unfinished, adopted);
    await importState(stack, mended);
  }
  if (tasks.length > 0) {
    process.stderr.write("refreshing: the next preview shows unfinished resources\n");
    await runPulumi(["refresh", "--yes", "--skip-preview"], { stack });
  }
  process.stderr.write(
    locks.length + broken.length === 0 && pending.length === 0 && notes.length === 0
      ? `stack ${stack} needs no recovery\n`
      : `stack ${stack} is recovered: run \`npm run pulumi -- up --stack ${stack}\` to finish what was interrupted\n`,
  );
}

/** The work to do in each cloud. Changes nothing. */
async function cloudTasks(
  stack: string,
  state: StackState,
  clouds: readonly KnownCloud[],
): Promise<RecoverCloud[]> {
  const settings = readStackFile(projectRoot, stack, clouds);
  const declared = declaredBy(projectRoot, settings, clouds);
  const tasks: RecoverCloud[] = [];
  for (const { publishing } of clouds) {
    const task = await publishing?.recovery?.prepare(declared, settings, state);
    if (task !== undefined) tasks.push(task);
  }
  return tasks;
}

/** Shows what a failed Pulumi command printed, with a hint that fits recover. */
function explainedFailure(error: unknown): never {
  if (!(error instanceof PulumiError)) throw error;
  const hint = isLockRefusal(error.printed) ? forceHint : "fix the problem, then run recover again";
  throw new UserError(isLockRefusal(error.printed) ? "stack-locked" : "pulumi-failed", error.what, hint, {
    cause: error,
  });
}
