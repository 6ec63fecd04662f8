/** Defines the provider's resources: their properties, and their life cycle as calls to the cloud. */
import type { Unwrap } from "@pulumi/pulumi";
import type { ActionName, Answer, Params } from "./cloud/actions.ts";
import type { Value } from "../../../offline-kit/command-provider/property.ts";
import type { Property, Values } from "./schema.ts";

/** The cloud as the provider's resources see it: throttled calls are retried, and errors read like the real provider's. */
export interface Api {
  account: string;
  /** The resource's region. */
  region: string;
  call<Name extends ActionName>(action: Name, params: Params<Name>): Promise<Answer<Name>>;
}

/** A resource's inputs as plain values, typed by @pulumi/aws. */
export type Plain<Args> = { [Name in keyof Args]: Unwrap<Args[Name]> };

export interface ResourceType<Args = Record<string, unknown>> {
  token: string;
  properties: Record<string, Property>;
  /** Outputs that the cloud computes. */
  outputs: readonly string[];
  /** The property that the real provider auto-names. If it is set explicitly, a replacement deletes first. */
  namedBy?: string;
  /** If true, `pulumi import` supports `@REGION` after the id; otherwise only the provider's own region. */
  importId?: (id: string) => string;
  /** If true, `region` is a property of the resource. */
  isGlobal?: true;
  /** Checks beyond the properties' shapes. */
  check?(inputs: Plain<Args>): { property: string; reason: string }[];
  /**
   * Creates the resource. It exists from `setId` on: if anything fails later, the engine records an incomplete resource.
   * @returns outputs that `read` cannot return
   */
  create(api: Api, inputs: Plain<Args>, setId: (id: string) => void): Promise<Values | void>;
  /**
   * Reads the resource from the cloud. Undefined if it does not exist. Empty properties are null, unreadable ones are
   * left out. With `isNew`, right after create, it waits for the resource.
   */
  read(api: Api, id: string, isNew: boolean): Promise<Values | undefined>;
  update?(api: Api, id: string, olds: Plain<Args>, news: Plain<Args>): Promise<void>;
  delete(api: Api, id: string, state: Values): Promise<void>;
}

/** Declares a resource type, whose properties are exactly those of its class in @pulumi/aws. */
export function defineResource<Args>(
  type: Omit<ResourceType<Args>, "properties"> & {
    properties: { [Name in Exclude<keyof Args, "region">]-?: Property };
  },
): ResourceType {
  return type as unknown as ResourceType;
}

/** Error codes that mean "not found". */
export function isMissing(error: unknown, ...codes: string[]): boolean {
  return error instanceof ProviderError && codes.includes(error.code);
}

/** An error with the real provider's text and AWS's code. */
export class ProviderError extends Error {
  public readonly code: string;

  public constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs a step, and prefixes its errors with what was being done. */
export async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw new ProviderError(error.code, `${what}: ${error.message}`);
  }
}

/** Polls until `settled` returns a value. It never sleeps, because polls are the cloud's clock. */
export async function poll<T>(what: string, ask: () => Promise<T | undefined>, most = 200): Promise<T> {
  for (let attempt = 0; attempt < most; attempt += 1) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new ProviderError("Timeout", `${what}: timeout while waiting`);
}

/** A state as `read` returns it: undefined properties become null, and are dropped at deeper levels. */
export function asState(state: Record<string, unknown>): Values {
  const entries = Object.entries(state).map(([name, value]): [string, Value] => {
    return [name, value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Value)];
  });
  return Object.fromEntries(entries);
}

export const tagsProperty: Property = { kind: "map" };

type TagMap = Record<string, string> | undefined;

export const tagList = (tags: TagMap): { Key: string; Value: string }[] =>
  Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));

export const tagMap = (tags: readonly { Key?: string; Value?: string }[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key = "", Value = "" }) => [Key, Value]));

/** Writes tags that are new or changed in `news`, and deletes those only in `olds`. */
export async function updateEc2Tags(api: Api, id: string, olds: TagMap, news: TagMap): Promise<void> {
  const gone = tagList(olds).filter(({ Key }) => news?.[Key] === undefined);
  const changed = tagList(news).filter(({ Key, Value }) => olds?.[Key] !== Value);
  if (gone.length > 0) await api.call("DeleteTags", { Resources: [id], Tags: gone });
  if (changed.length > 0) await api.call("CreateTags", { Resources: [id], Tags: changed });
}
