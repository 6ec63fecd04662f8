/** The provider's life cycle without the protocol: what a bridged provider does around each resource. */
import {
  isUnknown,
  unknownString,
  withoutNulls,
  type Value,
} from "../../../offline-kit/command-provider/property.ts";
import type { Cloud } from "./cloud.ts";
import { serviceOf } from "./cloud/actions.ts";
import { AwsError, isRetryable } from "./cloud/aws-error.ts";
import { ProviderError, type Api, type ResourceType } from "./resource.ts";
import { checkInputs, differences, type CheckFailure, type Property, type Values } from "./schema.ts";

/** A resource that exists but is incomplete. The engine records it, and the error. */
export class Incomplete extends Error {
  public readonly id: string;
  public readonly state: Values;
  public readonly inputs: Values;

  public constructor(id: string, state: Values, inputs: Values, message: string) {
    super(message);
    this.id = id;
    this.state = state;
    this.inputs = inputs;
  }
}

/** How many attempts a call gets in all, like the real provider's `max_retries`. */
const attempts = 25;

/** The cloud in one region, with the real SDK's retries but without delays. */
export function apiFor(cloud: Cloud, region: string): Api {
  return {
    account: cloud.account,
    region,
    async call(action, params) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await cloud.call(region, action, params);
        } catch (error) {
          if (!(error instanceof AwsError)) throw error;
          if (isRetryable(error) && attempt < attempts) continue;
          const where = `operation error ${serviceOf(action)}: ${action}, https response error`;
          const what = `StatusCode: ${error.statusCode}, api error ${error.code}: ${error.message}`;
          throw new ProviderError(error.code, `${where} ${what}`);
        }
      }
    },
  };
}

const region: Property = { kind: "string", computed: true, replaces: true };

const propertiesOf = (type: ResourceType): Record<string, Property> =>
  type.isGlobal ? type.properties : { ...type.properties, region };

export interface Diff {
  detailed: ReturnType<typeof differences>;
  deletesFirst: boolean;
}

export class AwsProvider {
  private readonly cloud: Cloud;
  private readonly region: string;

  public constructor(cloud: Cloud, region: string) {
    this.cloud = cloud;
    this.region = region;
  }

  public check(type: ResourceType, news: Values): { inputs: Values; failures: CheckFailure[] } {
    const { inputs, failures } = checkInputs(propertiesOf(type), news);
    const isWhole = failures.length === 0 && !hasUnknown(inputs);
    return { inputs, failures: isWhole ? (type.check?.(inputs as never) ?? []) : failures };
  }

  /** An explicit name is unique, so the old resource must be deleted before the new one is created. */
  public diff(type: ResourceType, state: Values, news: Values, ignored: readonly string[]): Diff {
    const wanted = type.isGlobal ? news : { ...news, region: news["region"] ?? this.region };
    const all = [...differences(propertiesOf(type), state, wanted)];
    const detailed = new Map(
      ignored.includes("*") ? [] : all.filter(([path]) => !ignored.includes(head(path))),
    );
    const replaces = [...detailed.values()].some((difference) => difference.replaces);
    return { detailed, deletesFirst: replaces && type.namedBy !== undefined };
  }

  public previewOfCreate(type: ResourceType, inputs: Values): Values {
    const computed = Object.entries(propertiesOf(type)).filter(([, property]) => property.computed);
    const names = [...type.outputs, ...computed.map(([name]) => name)];
    const unknown = Object.fromEntries(names.map((name) => [name, unknownString]));
    return { ...unknown, ...(type.isGlobal ? {} : { region: this.region }), ...inputs };
  }

  public async create(type: ResourceType, inputs: Values): Promise<{ id: string; state: Values }> {
    const api = this.apiOf(type, inputs);
    const given = type.isGlobal ? inputs : { ...inputs, region: api.region };
    let id: string | undefined;
    try {
      const extra = await type.create(api, inputs as never, (made) => (id = made));
      if (id === undefined) throw new Error(`${type.token} was made without an id`);
      const read = await type.read(api, id, true);
      if (read === undefined)
        throw new ProviderError("NotFound", `reading ${type.token} (${id}): couldn't find resource`);
      return { id, state: withoutNulls({ ...given, ...read, ...extra }) };
    } catch (error) {
      if (id === undefined) throw error;
      throw new Incomplete(id, given, inputs, messageOf(error));
    }
  }

  /** What a preview of an update shows: known values stay known. */
  public previewOfUpdate(state: Values, inputs: Values): Values {
    return { ...state, ...inputs };
  }

  /** As in the real provider, a failed update is recorded as if it had succeeded. Only a refresh shows that it did not. */
  public async update(type: ResourceType, id: string, state: Values, inputs: Values): Promise<Values> {
    if (type.update === undefined) throw new Error(`${type.token} can't be updated`);
    const api = this.apiOf(type, state);
    try {
      await type.update(api, id, state as never, inputs as never);
      const read = await type.read(api, id, false);
      return withoutNulls({ ...kept(type, state, inputs), ...read });
    } catch (error) {
      throw new Incomplete(id, { ...state, ...inputs }, inputs, messageOf(error));
    }
  }

  public async delete(type: ResourceType, id: string, state: Values): Promise<void> {
    await type.delete(this.apiOf(type, state), id, state);
  }

  /**
   * Reads the resource by its recorded state, or by id alone for an import. Inputs follow what was read. Inputs that
   * cannot be read stay as they were, and are missing after an import.
   */
  public async read(
    type: ResourceType,
    givenId: string,
    state: Values,
    inputs: Values,
  ): Promise<{ id: string; state: Values; inputs: Values } | undefined> {
    const isImport = Object.keys(state).length === 0;
    const [, bareId = givenId, at] = (isImport && type.importId && /^(.+)@([a-z0-9-]+)$/.exec(givenId)) || [];
    const id = isImport && type.importId ? type.importId(bareId) : givenId;
    const api = this.apiOf(type, at === undefined ? state : { region: at });
    const read = await type.read(api, id, false);
    if (read === undefined) return undefined;
    const now = withoutNulls({ ...state, ...read, ...(type.isGlobal ? {} : { region: api.region }) });
    const properties = propertiesOf(type);
    const names = Object.keys(isImport ? properties : inputs).filter((name) => name in properties);
    const found = names.flatMap((name): [string, Value][] => {
      const value = now[name];
      return value === undefined || (isImport && isEmptyMap(value)) ? [] : [[name, value]];
    });
    return { id, state: now, inputs: Object.fromEntries(found) };
  }

  private apiOf(type: ResourceType, values: Values): Api {
    const own = values["region"];
    return apiFor(this.cloud, typeof own === "string" && !type.isGlobal ? own : this.region);
  }
}

/** The recorded state updated with the new inputs. Former inputs are removed. */
function kept(type: ResourceType, state: Values, inputs: Values): Values {
  const settable = propertiesOf(type);
  const rest = Object.entries(state).filter(([name]) => !(name in settable) || settable[name]?.computed);
  return { ...Object.fromEntries(rest), ...inputs };
}

const head = (path: string): string => /^[^.[]+/.exec(path)?.[0] ?? path;

const isEmptyMap = (value: Value): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

function hasUnknown(value: Value): boolean {
  if (isUnknown(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some((one) => hasUnknown(one));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
