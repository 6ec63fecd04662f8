/**
 * After a run that was killed, or that failed in a cloud: clears the engine's lock, and forgets creates and deletes that were
 * under way, so that the next `pulumi up` starts them again. In each cloud it finds what is ours and in no state, and
 * refreshes: what failed after an image was made is recorded as if done, and only the refresh shows it.
 *
 * That is safe for this project's commands: a step writes under unfinished names and renames last, an interrupted
 * build is swept away by the next one, and what was finished but not recorded is found again and taken over.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { declaredBy } from "../configuration/index.ts";
import { readStackFile } from "../configuration/settings.ts";
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
  /** Also clears the lock of a run that may still be going. */
  force: boolean;
}

type KnownCloud = CloudRules & RecoverableCloud;

/**
 * Recovers a stack.
 * @param clouds all that are known
 * @throws UserError if a run of the stack is still going, or may be
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
  for (const file of broken) process.stderr.write(`mended ${file}: a write beside it was cut short\n`);
  const state = await exportState(stack);
  const stackFile = `Pulumi.${stack}.yaml`;
  const hasFile = existsSync(path.join(projectRoot, stackFile));
  const inState = clouds.find(({ publishing }) => publishing?.recovery?.isIn(state) === true);
  if (!hasFile && inState !== undefined) {
    throw new UserError(
      "stack-file-missing",
      `${stackFile} is not here, and the stack has images in ${inState.name}: nothing was looked for, nor changed`,
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
  // Of a lock that is in no folder only a command that takes it knows: where somebody holds it, this ends here.
  if (!inFolder) await importState(stack, state);
  const pending = pendingOperations(state);
  for (const { type, resource } of pending) process.stderr.write(`forgetting ${type} of ${resource.urn}\n`);
  const requireAlone = (): void => requireNobody(findLocks(backend, stack), stack);
  const recovered: Recovered[] = [];
  for (const recoverCloud of tasks) recovered.push(await recoverCloud(requireAlone));
  const notes = recovered.flatMap((one) => one.notes);
  for (const note of notes) process.stderr.write(`${note}\n`);
  const adopted = recovered.flatMap((one) => one.adopted);
  const unfinished = recovered.flatMap((one) => one.unfinished);
  if (pending.length + adopted.length + unfinished.length > 0) {
    // Waiting for copies can take an hour: a run that began and ended meanwhile must not be forgotten.
    requireAlone();
    requireSame(state, await exportState(stack), stack);
    const mended = withResources(withoutPending(state), unfinished, adopted);
    await importState(stack, mended);
  }
  if (tasks.length > 0) {
    process.stderr.write("refreshing: what was made and not finished shows in the next preview\n");
    await runPulumi(["refresh", "--yes", "--skip-preview"], { stack });
  }
  process.stderr.write(
    locks.length + broken.length === 0 && pending.length === 0 && notes.length === 0
      ? `stack ${stack} needs no recovery\n`
      : `stack ${stack} is recovered: run \`npm run pulumi -- up --stack ${stack}\` to finish what was interrupted\n`,
  );
}

/** What there is to do in each cloud. Changes nothing. */
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

/** What a failed command printed is what a person needs; what to do then is recover's to say. */
function explainedFailure(error: unknown): never {
  if (!(error instanceof PulumiError)) throw error;
  const hint = isLockRefusal(error.printed) ? forceHint : "run recover again once that is mended";
  throw new UserError(isLockRefusal(error.printed) ? "stack-locked" : "pulumi-failed", error.what, hint, {
    cause: error,
  });
}
