/** IAM roles and their inline policies, as far as VM Import's role needs them. */
import type * as aws from "@pulumi/aws";
import type { Value } from "../../../../offline-kit/command-provider/property.ts";
import {
  defineResource,
  doing,
  isMissing,
  ProviderError,
  tagList,
  tagMap,
  tagsProperty,
} from "../resource.ts";
import type { Property } from "../schema.ts";

const plain = { kind: "string" } as const;
/** Here a document or a role is always text, although the types of @pulumi/aws also allow objects. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new ProviderError("Type", `expected a text, got ${JSON.stringify(value)}`);
}

const notNeeded = "no role of this project uses it";

/** Whether two policies are equivalent, regardless of formatting. */
const policy: Property = {
  kind: "string",
  required: true,
  same: (old, new_) => normalized(old) === normalized(new_),
};
const normalized = (value: Value): string => JSON.stringify(sorted(JSON.parse(text(value)) as Value));

function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

export const role = defineResource<aws.iam.RoleArgs>({
  token: "aws:iam/role:Role",
  namedBy: "name",
  importId: (id) => id,
  isGlobal: true,
  properties: {
    assumeRolePolicy: policy,
    description: plain,
    forceDetachPolicies: { kind: "boolean", default: false },
    inlinePolicies: { kind: "objects", absent: "use iam.RolePolicy" },
    managedPolicyArns: { kind: "strings", absent: notNeeded },
    maxSessionDuration: { kind: "number", default: 3600 },
    name: { ...plain, required: true, replaces: true },
    namePrefix: { ...plain, absent: "names are given here" },
    path: { ...plain, replaces: true, default: "/" },
    permissionsBoundary: { ...plain, absent: notNeeded },
    tags: tagsProperty,
  },
  outputs: ["arn", "createDate", "tagsAll", "uniqueId"],

  async create(api, inputs, setId) {
    await doing(`creating IAM Role (${inputs.name})`, () =>
      api.call("CreateRole", {
        RoleName: inputs.name ?? "",
        Path: inputs.path ?? "/",
        Tags: tagList(inputs.tags),
        AssumeRolePolicyDocument: text(inputs.assumeRolePolicy),
        ...(inputs.description ? { Description: inputs.description } : {}),
        MaxSessionDuration: inputs.maxSessionDuration ?? 3600,
      }),
    );
    setId(inputs.name ?? "");
  },

  async read(api, id) {
    try {
      const { Role } = await api.call("GetRole", { RoleName: id });
      return {
        arn: Role.Arn,
        createDate: Role.CreateDate,
        name: Role.RoleName,
        path: Role.Path,
        assumeRolePolicy: decodeURIComponent(Role.AssumeRolePolicyDocument),
        description: Role.Description ?? "",
        maxSessionDuration: Role.MaxSessionDuration,
        tags: tagMap(Role.Tags),
        tagsAll: tagMap(Role.Tags),
        uniqueId: Role.RoleId,
      };
    } catch (error) {
      if (isMissing(error, "NoSuchEntity")) return undefined;
      throw error;
    }
  },

  async update(api, id, _olds, news) {
    await doing(`updating IAM Role (${id})`, () =>
      api.call("UpdateRole", {
        RoleName: id,
        AssumeRolePolicyDocument: text(news.assumeRolePolicy),
        Description: news.description ?? "",
        Tags: tagList(news.tags),
        MaxSessionDuration: news.maxSessionDuration ?? 3600,
      }),
    );
  },

  async delete(api, id) {
    try {
      await doing(`deleting IAM Role (${id})`, () => api.call("DeleteRole", { RoleName: id }));
    } catch (error) {
      if (!isMissing(error, "NoSuchEntity")) throw error;
    }
  },
});

export const rolePolicy = defineResource<aws.iam.RolePolicyArgs>({
  token: "aws:iam/rolePolicy:RolePolicy",
  namedBy: "name",
  importId: (id) => id,
  isGlobal: true,
  properties: {
    name: { ...plain, required: true, replaces: true },
    namePrefix: { ...plain, absent: "names are given here" },
    policy,
    role: { ...plain, required: true, replaces: true },
  },
  outputs: [],

  async create(api, inputs, setId) {
    const [RoleName, PolicyName] = [text(inputs.role), inputs.name ?? ""];
    await doing(`creating IAM Role Policy (${RoleName}:${PolicyName})`, () =>
      api.call("PutRolePolicy", { RoleName, PolicyName, PolicyDocument: text(inputs.policy) }),
    );
    setId(`${RoleName}:${PolicyName}`);
  },

  async read(api, id) {
    const { RoleName, PolicyName } = parse(id);
    try {
      const { PolicyDocument } = await api.call("GetRolePolicy", { RoleName, PolicyName });
      return { role: RoleName, name: PolicyName, policy: PolicyDocument };
    } catch (error) {
      if (isMissing(error, "NoSuchEntity")) return undefined;
      throw error;
    }
  },

  async update(api, id, _olds, news) {
    await api.call("PutRolePolicy", { ...parse(id), PolicyDocument: text(news.policy) });
  },

  async delete(api, id) {
    try {
      await doing(`deleting IAM Role Policy (${id})`, () => api.call("DeleteRolePolicy", parse(id)));
    } catch (error) {
      if (!isMissing(error, "NoSuchEntity")) throw error;
    }
  },
});

function parse(id: string): { RoleName: string; PolicyName: string } {
  const [RoleName, PolicyName] = id.split(":");
  if (RoleName && PolicyName) return { RoleName, PolicyName };
  throw new ProviderError("Id", `invalid format for ID (${id}), expected ROLE_NAME:POLICY_NAME`);
}
