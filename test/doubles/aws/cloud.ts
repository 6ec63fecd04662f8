/** Performs one call to the emulated cloud: checks region and account, applies faults, changes the state, and logs the call. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../../src/lib/defined.ts";
import { iamActions, perform, type ActionName, type Answer, type Params } from "./cloud/actions.ts";
import { AwsError } from "./cloud/aws-error.ts";
import { newGlobal, newRegion, type Global, type Region } from "./cloud/state.ts";
import type { ObjectLookup, World } from "./cloud/world.ts";
import { errorOf, killItself, takeFault, type CallName, type Fault, type Killer } from "./faults.ts";
import { readSettings, type Settings } from "./settings.ts";
import { readJson, transaction } from "./store.ts";

/** The variable that names the emulator's folder. */
export const folderVariable = "AWS_DOUBLE_DIR";

/** A line of `calls.jsonl`. */
export interface CallRecord {
  by: "provider" | "http";
  account: string;
  region: string;
  action: CallName;
  params: unknown;
  /** `ok`, or the error's code. */
  outcome: string;
  /** What the fault plan did to the call. */
  fault?: string;
}

/** Looks up an object in S3. It is a parameter, so that the cloud itself needs no network. */
export type FindObject = (region: string, bucket: string, key: string) => Promise<ObjectLookup>;

export class Cloud {
  public readonly folder: string;
  public readonly account: string;
  private readonly by: CallRecord["by"];
  private readonly findObject: FindObject;
  private readonly kill: Killer;

  public constructor(
    folder: string,
    account: string,
    by: CallRecord["by"],
    findObject: FindObject,
    kill: Killer = killItself,
  ) {
    this.folder = folder;
    this.account = account;
    this.by = by;
    this.findObject = findObject;
    this.kill = kill;
  }

  public regionFile(region: string): string {
    return join(this.folder, this.account, `${region}.json`);
  }

  /** @throws AwsError if AWS would refuse the call, or if the fault plan says so */
  public async call<Name extends ActionName>(
    region: string,
    action: Name,
    params: Params<Name>,
  ): Promise<Answer<Name>> {
    return await this.through(region, action, withoutSecrets(action, params), () =>
      this.perform(region, action, params),
    );
  }

  /**
   * Does `work` unless the fault plan prevents it, and logs the call.
   * @throws what `work` throws, or an AwsError from the fault plan
   */
  public async through<T>(
    region: string,
    action: CallName,
    params: unknown,
    work: () => Promise<T>,
  ): Promise<T> {
    const call = { action, account: this.account, region, params };
    const record: Omit<CallRecord, "outcome"> = { by: this.by, ...call };
    const fault = await takeFault(this.folder, call);
    if (fault !== undefined) record.fault = `${fault.does} ${fault.when}`;
    const kills = fault?.does.startsWith("kill") ?? false;
    const fail = async (fault: Fault): Promise<never> => {
      if (!kills) throw errorOf(fault);
      this.kill(fault);
      return await new Promise(() => undefined);
    };
    if (fault?.when === "before") {
      this.log({ ...record, outcome: kills ? "killed" : errorOf(fault).code });
      return await fail(fault);
    }
    let answer: T;
    try {
      answer = await work();
    } catch (error) {
      if (error instanceof AwsError) this.log({ ...record, outcome: error.code });
      throw error;
    }
    this.log({ ...record, outcome: "ok" });
    return fault === undefined ? answer : await fail(fault);
  }

  private async perform<Name extends ActionName>(
    region: string,
    action: Name,
    params: Params<Name>,
  ): Promise<Answer<Name>> {
    const settings = readSettings(this.folder);
    requireAccess(settings, this.account, region, action);
    const object = await this.objectNamedBy(region, action, params);
    const globalFile = join(this.folder, this.account, "global.json");
    const act = (regionState: Region, global: Global): Answer<Name> => {
      const world: World = {
        account: this.account,
        regionName: region,
        region: regionState,
        global,
        now: settings.now,
        polls: settings.polls,
        enabledRegions: settings.enabledRegions,
        otherRegion: (name) => readJson(this.regionFile(name), newRegion),
        ...defined({ object }),
      };
      return perform(world, action, params);
    };
    // Polls count even if the call fails: then only what polling changes is kept.
    const outcome = (regionState: Region, global: Global): { answer: Answer<Name> } | { error: AwsError } => {
      try {
        return { answer: act(regionState, global) };
      } catch (error) {
        if (error instanceof AwsError && /^(Describe|Get)/.test(action)) return { error };
        throw error;
      }
    };
    const result =
      action in iamActions
        ? await transaction(globalFile, newGlobal, (global) => outcome(newRegion(), global))
        : await transaction(this.regionFile(region), newRegion, (content) =>
            outcome(content, readJson(globalFile, newGlobal)),
          );
    if ("error" in result) throw result.error;
    return result.answer;
  }

  private async objectNamedBy(
    region: string,
    action: ActionName,
    params: unknown,
  ): Promise<ObjectLookup | undefined> {
    if (action !== "ImportSnapshot") return undefined;
    const { S3Bucket, S3Key } = (params as Params<"ImportSnapshot">).DiskContainer?.UserBucket ?? {};
    if (S3Bucket === undefined || S3Key === undefined) return undefined;
    return await this.findObject(region, S3Bucket, S3Key);
  }

  private log(record: CallRecord): void {
    mkdirSync(this.folder, { recursive: true });
    // Write each line at once: several processes may append at the same time.
    appendFileSync(join(this.folder, "calls.jsonl"), `${JSON.stringify(record)}\n`);
  }
}

/** A disabled region does not know the account's credentials: EC2 says AuthFailure, other services have their own codes. */
function requireAccess(settings: Settings, account: string, region: string, action: ActionName): void {
  const isKnown = settings.accounts?.includes(account) ?? true;
  if (isKnown && (settings.enabledRegions.includes(region) || action in iamActions)) return;
  if (action === "GetCallerIdentity") {
    throw new AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403);
  }
  throw new AwsError("AuthFailure", "AWS was not able to validate the provided access credentials", 401);
}

/** A SecureString's value stays out of the log. */
function withoutSecrets(action: ActionName, params: unknown): unknown {
  const { Type } = params as Params<"PutParameter">;
  return action === "PutParameter" && Type === "SecureString"
    ? { ...(params as object), Value: "[secret]" }
    : params;
}
