import type * as aws from "@pulumi/aws";
import { defined } from "../../../../src/lib/defined.ts";
import { imageDataType, type PutParameterParams } from "../cloud/parameters.ts";
import {
  asState,
  defineResource,
  doing,
  isMissing,
  poll,
  tagList,
  tagMap,
  tagsProperty,
  type Api,
  type Plain,
} from "../resource.ts";

const text = { kind: "string" } as const;
const notNeeded = "no parameter of this project uses it";

type Args = aws.ssm.ParameterArgs;

export const parameter = defineResource<Args>({
  token: "aws:ssm/parameter:Parameter",
  namedBy: "name",
  importId: (id) => id,
  properties: {
    allowedPattern: text,
    arn: { ...text, absent: "it is an output" },
    dataType: {
      ...text,
      computed: true,
      replaces: true,
      values: [imageDataType, "aws:ssm:integration", "text"],
    },
    description: text,
    insecureValue: { ...text, computed: true },
    keyId: { ...text, absent: notNeeded },
    name: { ...text, required: true, replaces: true },
    overwrite: { kind: "boolean" },
    tags: tagsProperty,
    tier: { ...text, computed: true, values: ["Standard", "Advanced", "Intelligent-Tiering"] },
    type: { ...text, required: true, values: ["String", "StringList", "SecureString"] },
    value: { ...text, computed: true },
    valueWo: { ...text, absent: notNeeded },
    valueWoVersion: { kind: "number", absent: notNeeded },
  },
  outputs: ["arn", "version", "tagsAll", "hasValueWo"],

  check(inputs) {
    const { value, insecureValue } = inputs;
    if ((value === undefined) !== (insecureValue === undefined)) return [];
    return [{ property: "value", reason: "one of `insecure_value,value,value_wo` must be specified" }];
  },

  async create(api, inputs, setId) {
    const name = inputs.name ?? "";
    const overwrite = inputs.overwrite ?? false;
    await doing(`creating SSM Parameter (${name})`, () =>
      api.call("PutParameter", {
        ...putParams(inputs),
        Overwrite: overwrite,
        ...(overwrite || inputs.tags === undefined ? {} : { Tags: tagList(inputs.tags) }),
        ...(inputs.dataType ? { DataType: inputs.dataType } : {}),
      }),
    );
    setId(name);
    if (overwrite && inputs.tags !== undefined) await updateTags(api, name, {}, inputs.tags);
  },

  /** Waits for a new parameter that names an image: it appears once it is validated, or never. */
  async read(api, id, isNew) {
    const answer = isNew
      ? await doing(`reading SSM Parameter (${id}): couldn't find resource`, () =>
          poll("asynchronous validation", () => get(api, id)),
        )
      : await get(api, id);
    if (answer === undefined) return undefined;
    const { Parameters } = await api.call("DescribeParameters", {
      ParameterFilters: [{ Key: "Name", Values: [id] }],
    });
    const { TagList } = await api.call("ListTagsForResource", { ResourceId: id });
    return asState({
      arn: answer.ARN,
      name: answer.Name,
      type: answer.Type,
      version: answer.Version,
      value: answer.Value,
      dataType: Parameters[0]?.DataType,
      description: Parameters[0]?.Description,
      tier: Parameters[0]?.Tier,
      allowedPattern: Parameters[0]?.AllowedPattern,
      tags: tagMap(TagList),
      tagsAll: tagMap(TagList),
    });
  },

  async update(api, id, olds, news) {
    if (written.some((name) => news[name] !== undefined && news[name] !== olds[name])) {
      await doing(`updating SSM Parameter (${id})`, () =>
        api.call("PutParameter", { ...putParams(news), Name: id, Overwrite: true }),
      );
    }
    await updateTags(api, id, olds.tags, news.tags);
  },

  async delete(api, id) {
    try {
      await doing(`deleting SSM Parameter (${id})`, () => api.call("DeleteParameter", { Name: id }));
    } catch (error) {
      if (!isMissing(error, "ParameterNotFound")) throw error;
    }
  },
});

/** Properties whose change writes the parameter again. */
const written = ["allowedPattern", "description", "insecureValue", "tier", "type", "value"] as const;

function putParams(inputs: Plain<Args>): PutParameterParams {
  return {
    Name: inputs.name ?? "",
    Type: inputs.type,
    Value: inputs.value ?? inputs.insecureValue ?? "",
    ...(inputs.allowedPattern ? { AllowedPattern: inputs.allowedPattern } : {}),
    ...defined({ Description: inputs.description }),
    ...(inputs.tier ? { Tier: inputs.tier } : {}),
  };
}

async function get(api: Api, name: string) {
  try {
    return (await api.call("GetParameter", { Name: name })).Parameter;
  } catch (error) {
    if (isMissing(error, "ParameterNotFound")) return undefined;
    throw error;
  }
}

type Tags = Record<string, string> | undefined;

async function updateTags(api: Api, name: string, olds: Tags, news: Tags): Promise<void> {
  const gone = Object.keys(olds ?? {}).filter((key) => news?.[key] === undefined);
  const changed = tagList(news).filter(({ Key, Value }) => olds?.[Key] !== Value);
  if (gone.length > 0) await api.call("RemoveTagsFromResource", { ResourceId: name, TagKeys: gone });
  if (changed.length > 0) await api.call("AddTagsToResource", { ResourceId: name, Tags: changed });
}
