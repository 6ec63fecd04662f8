import type { StackSettings } from "../../../src/configuration/settings.ts";
import type { DeclaredImage } from "../../../src/configuration/variant.ts";
import type { RecoverCloud, Recovered } from "../../../src/recover/cloud-recovery.ts";
import { awsSettingsOf } from "../options.ts";
import type { ErrorCode } from "../../../src/lib/error-codes.ts";
import { errorCodeOf, withAwsErrors } from "../api/errors.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { isEnabled } from "../preflight/answers.ts";
import { checkAccount } from "../preflight/account.ts";
import { isOnAws, ownedResources } from "./owned-resources.ts";
import { recordedAccount } from "./recorded.ts";
import { resourcesOf, type StackState } from "../../../src/stacks/state.ts";

/** What to recover on AWS. */
export interface AwsTask {
  declared: readonly DeclaredImage[];
  settings: StackSettings;
}

/**
 * Prepares the recovery of a stack's images on AWS. Undefined if the stack has nothing there. Changes nothing.
 * @throws UserError if the credentials belong to an account that the stack may not publish to, or that does not have
 * its images. With such credentials, a refresh would consider all images gone.
 */
export async function prepareRecovery(
  declared: readonly DeclaredImage[],
  settings: StackSettings,
  state: StackState,
): Promise<RecoverCloud | undefined> {
  if (awsSettingsOf(settings).region === "" || !isOnAws(declared, settings, state)) return undefined;
  await requireAccount(settings, state);
  return (requireAlone) => recoverAws({ declared, settings }, state, requireAlone);
}

/** @throws UserError that names the credentials' owner */
export async function requireAccount(settings: StackSettings, state: StackState): Promise<void> {
  const aws = awsSettingsOf(settings);
  const { readIdentity } = await import("../preflight/facts.ts");
  const identity = await readIdentity({ region: aws.region, emulator: aws.emulator });
  const { level, where, found, remedy } = checkAccount({ settings: aws }, { identity });
  const refuse = (code: ErrorCode, what: string, hint = ""): never => {
    throw new UserError(code, `${what}: nothing was checked or changed`, hint, { where });
  };
  if (level === "error") {
    const fault = "failure" in identity ? identity.failure.kind : undefined;
    const cannotTell = fault === undefined ? "aws-credentials-invalid" : errorCodeOf(fault);
    refuse("failure" in identity ? cannotTell : "aws-account-wrong", found, remedy);
  }
  const recorded = recordedAccount(resourcesOf(state));
  if ("value" in identity && recorded !== undefined && recorded !== identity.value.account) {
    const { arn } = identity.value;
    refuse(
      "aws-account-wrong",
      `${arn} belongs to another account; the stack's images are in ${recorded}`,
      "use that account's credentials",
    );
  }
}

/**
 * Finds what the stack owns on AWS but its state does not know: see orphans.ts, sharing.ts and channels.ts. Deletes
 * what is of no use, and returns how the state must change so that the next `up` sees the rest.
 * @param requireAlone throws if a run of the stack has started: what that run makes is not in the state yet either
 */
export async function recoverAws(
  { declared, settings }: AwsTask,
  state: StackState,
  requireAlone: () => void,
): Promise<Recovered> {
  const resources = resourcesOf(state);
  const { emulator, region: home } = awsSettingsOf(settings);
  const { sweepOrphans } = await import("./orphans.ts");
  const { adoptPermissions, unfinishedSharing } = await import("./sharing.ts");
  const { adoptChannels } = await import("./channels.ts");
  const { regionStates } = await import("../preflight/facts.ts");
  const ours = ownedResources(declared, settings, state);
  const states = await withAwsErrors("list the enabled regions", () =>
    regionStates({ region: home, emulator }),
  );
  // Disabled regions cannot be queried.
  const regions = ours.regions.filter((region) => isEnabled(states[region]));
  const swept = await sweepOrphans({ ...ours, regions }, emulator, requireAlone);
  const images = ours.images.filter(({ region }) => regions.includes(region));
  const permissions = await adoptPermissions({ ...ours, images }, resources, emulator);
  const unfinished = await unfinishedSharing(resources, regions, emulator);
  const channels = await adoptChannels(declared, settings, resources, { ...ours, regions });
  const adopted = [...permissions.entries, ...channels.entries];
  return {
    adopted,
    unfinished: unfinished.map(({ entry }) => entry),
    notes: [
      ...swept.deleted.map((what) => `deleted ${what}`),
      ...adopted.map(({ id = "", inputs }) => `added ${id} in ${String(inputs?.["region"])} to the state`),
      ...unfinished.map(({ note }) => note),
      ...[...swept.leftAlone, ...permissions.leftAlone, ...channels.leftAlone].map(
        (what) => `left alone: ${what}`,
      ),
    ],
  };
}
