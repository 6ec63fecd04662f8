/** What a resource of the provider is: its properties, and its life as calls to the cloud. */
import type { Unwrap } from "@pulumi/pulumi";
import type { ActionName, Answer, Params } from "./cloud/actions.ts";
import type { Value } from "../../../offline-kit/command-provider/property.ts";
import type { Property, Values } from "./schema.ts";

/** The cloud as the provider's resources see it: throttled calls are tried again, errors read like the real provider's. */
export interface Api {
  account: string;
  /** The region of the resource at hand. */
  region: string;
  call<Name extends ActionName>(action: Name, params: Params<Name>): Promise<Answer<Name>>;
}

/** A resource's inputs as plain values, typed by @pulumi/aws. */
export type Plain<Args> = { [Name in keyof Args]: Unwrap<Args[Name]> };

export interface ResourceType<Args = Record<string, unknown>> {
  token: string;
  properties: Record<string, Property>;
  /** Outputs that only the cloud knows. */
  outputs: readonly string[];
  /** The property that the real provider would make a name for: given by hand, a replace deletes first. */
  namedBy?: string;
  /** `pulumi import` can find it, `@REGION` after the id included; otherwise only in the provider's own region. */
  importId?: (id: string) => string;
  /** Where the resource is in every region, `region` is a property of it. */
  isGlobal?: true;
  /** What is wrong beyond shapes. */
  check?(inputs: Plain<Args>): { property: string; reason: string }[];
  /**
   * Makes it. From `setId` on it exists: what fails after is an incomplete resource that the engine records.
   * @returns outputs that can't be read
   */
  create(api: Api, inputs: Plain<Args>, setId: (id: string) => void): Promise<Values | void>;
  /**
   * As it is in the cloud; nothing when it isn't there. What it doesn't have is null, what can't be read isn't there.
   * `isNew` right after create: then it is waited for.
   */
  read(api: Api, id: string, isNew: boolean): Promise<Values | undefined>;
  update?(api: Api, id: string, olds: Plain<Args>, news: Plain<Args>): Promise<void>;
  delete(api: Api, id: string, state: Values): Promise<void>;
}

/** A resource type whose properties are exactly those of its class in @pulumi/aws. */
export function defineResource<Args>(
  type: Omit<ResourceType<Args>, "properties"> & {
    properties: { [Name in Exclude<keyof Args, "region">]-?: Property };
  },
): ResourceType {
  return type as unknown as ResourceType;
}

/** The error codes that mean "not there". */
export function isMissing(error: unknown, ...codes: string[]): boolean {
  return error instanceof ProviderError && codes.includes(error.code);
}

/** An error in the real provider's words, its AWS code kept. */
export class ProviderError extends Error {
  public readonly code: string;

  public constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs a step; its error says what was being done. */
export async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw new ProviderError(error.code, `${what}: ${error.message}`);
  }
}

/** Asks until `settled` gives a value; the cloud's time goes by being asked, so nothing sleeps. */
export async function poll<T>(what: string, ask: () => Promise<T | undefined>, most = 200): Promise<T> {
  for (let attempt = 0; attempt < most; attempt += 1) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new ProviderError("Timeout", `${what}: timeout while waiting`);
}

/** A state as `read` gives it: what is undefined is null, at any depth below that it isn't there. */
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

/** Writes what is new or other in `news` and deletes what is only in `olds`. */
export async function updateEc2Tags(api: Api, id: string, olds: TagMap, news: TagMap): Promise<void> {
  const gone = tagList(olds).filter(({ Key }) => news?.[Key] === undefined);
  const changed = tagList(news).filter(({ Key, Value }) => olds?.[Key] !== Value);
  if (gone.length > 0) await api.call("DeleteTags", { Resources: [id], Tags: gone });
  if (changed.length > 0) await api.call("CreateTags", { Resources: [id], Tags: changed });
}
