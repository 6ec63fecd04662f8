import { declaredBy } from "../../../src/configuration/index.ts";
import { readStackFile, type StackSettings } from "../../../src/configuration/settings.ts";
import type { DeclaredImage } from "../../../src/configuration/variant.ts";
import { errorCodeOf, withAwsErrors } from "../api/errors.ts";
import type { ErrorCode } from "../../../src/lib/error-codes.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { isEnabled } from "../preflight/answers.ts";
import { checkAccount } from "../preflight/account.ts";
import { isOnAws, ownedResources } from "./owned-resources.ts";
import { recordedAccount, resourcesOf, type State, type StateEntry } from "../../../src/stacks/state.ts";

/** What there is to look for on AWS. */
export interface AwsTask {
  declared: readonly DeclaredImage[];
  settings: StackSettings;
}

/** What recovering a stack's images on AWS has come to. */
export interface RecoveredAws {
  /** Resources to add to the state. */
  adopted: StateEntry[];
  /** Resources of the state that the next `up` has to do again. */
  unfinished: StateEntry[];
  /** For people, a line each. */
  notes: string[];
}

/**
 * Undefined where the stack has nothing on AWS. Changes nothing. SDKs are loaded only here.
 * @throws UserError where the credentials are not of an account that the stack may publish to, or of another than that which
 * has its images, before anything is looked at: there a refresh would take them all for gone
 */
export async function awsTask(root: string, stack: string, state: State): Promise<AwsTask | undefined> {
  const settings = readStackFile(root, stack);
  const declared = declaredBy(root, settings);
  if (settings.aws.region === "" || !isOnAws(declared, settings, state)) return undefined;
  await requireAccount(settings, state);
  return { declared, settings };
}

/** @throws UserError that says whose credentials they are */
export async function requireAccount({ aws }: StackSettings, state: State): Promise<void> {
  const { readIdentity } = await import("../preflight/facts.ts");
  const identity = await readIdentity({ region: aws.region, double: aws.double });
  const { level, where, found, remedy } = checkAccount({ settings: aws }, { identity });
  const refuse = (code: ErrorCode, what: string, hint = ""): never => {
    throw new UserError(code, `${what}: nothing was looked for, nor changed`, hint, { where });
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
      `${arn} is of another account than ${recorded}, which has the stack's images`,
      "use its credentials",
    );
  }
}

/**
 * Finds what is the stack's own on AWS and in no state: see aws-orphans.ts, sharing.ts and channels.ts. Deletes what nobody can
 * use, and says how the state has to be for the next `up` to see the rest.
 * @param requireAlone throws where a run of the stack has begun: what that makes is in no state yet either
 */
export async function recoverAws(
  { declared, settings }: AwsTask,
  state: State,
  requireAlone: () => void,
): Promise<RecoveredAws> {
  const resources = resourcesOf(state);
  const { double, region: home } = settings.aws;
  const { sweepOrphans } = await import("./orphans.ts");
  const { adoptPermissions, unfinishedSharing } = await import("./sharing.ts");
  const { adoptChannels } = await import("./channels.ts");
  const { regionStates } = await import("../preflight/facts.ts");
  const ours = ownedResources(declared, settings, state);
  const states = await withAwsErrors("look which regions are switched on", () =>
    regionStates({ region: home, double }),
  );
  // Where a region is off nobody can look.
  const regions = ours.regions.filter((region) => isEnabled(states[region]));
  const swept = await sweepOrphans({ ...ours, regions }, double, requireAlone);
  const images = ours.images.filter(({ region }) => regions.includes(region));
  const permissions = await adoptPermissions({ ...ours, images }, resources, double);
  const unfinished = await unfinishedSharing(resources, regions, double);
  const channels = await adoptChannels(declared, settings, resources, { ...ours, regions });
  const adopted = [...permissions.entries, ...channels.entries];
  return {
    adopted,
    unfinished: unfinished.map(({ entry }) => entry),
    notes: [
      ...swept.deleted.map((what) => `deleted ${what}`),
      ...adopted.map(({ id = "", inputs }) => `took ${id} in ${String(inputs?.["region"])} into the state`),
      ...unfinished.map(({ note }) => note),
      ...[...swept.leftAlone, ...permissions.leftAlone, ...channels.leftAlone].map(
        (what) => `left alone: ${what}`,
      ),
    ],
  };
}
