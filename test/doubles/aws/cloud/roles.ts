/** IAM roles, and what VM Import requires of its role. */
import { z } from "zod";
import { AwsError } from "./aws-error.ts";
import type { Global, Role } from "./state.ts";
import { required, timestamp, type World } from "./world.ts";

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const statement = z.object({
  Effect: z.enum(["Allow", "Deny"]),
  Principal: z.union([z.literal("*"), z.record(z.string(), texts)]).optional(),
  Action: texts,
  Resource: texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), texts)).optional(),
});
const policyDocument = z.object({
  Version: z.string().optional(),
  Statement: z.union([statement, z.array(statement)]).transform((value) => [value].flat()),
});
type Statement = z.infer<typeof statement>;

function statements(policy: string): Statement[] {
  let content: unknown;
  try {
    content = JSON.parse(policy);
  } catch {
    throw new AwsError("MalformedPolicyDocument", "This policy contains invalid Json");
  }
  const parsed = policyDocument.safeParse(content);
  if (!parsed.success) throw new AwsError("MalformedPolicyDocument", "Syntax errors in policy.");
  return parsed.data.Statement;
}

function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, "i").test(text);
}

/** Whether policies allow an action on a resource. A Deny wins. Conditions are not evaluated, and count as unmet. */
export function allows(policies: readonly string[], action: string, resource: string): boolean {
  const hits = policies
    .flatMap(statements)
    .filter(({ Action }) => Action.some((pattern) => matches(pattern, action)))
    .filter(({ Resource = [] }) => Resource.some((pattern) => matches(pattern, resource)));
  const met = hits.filter(({ Effect, Condition }) => Effect === "Deny" || Condition === undefined);
  return met.length > 0 && met.every(({ Effect }) => Effect === "Allow");
}

/** What the role needs: AWS's VM Import/Export guide, "Required service role". */
export function vmimportNeeds(bucket: string): [action: string, resource: string][] {
  return [
    ["s3:GetBucketLocation", `arn:aws:s3:::${bucket}`],
    ["s3:ListBucket", `arn:aws:s3:::${bucket}`],
    ["s3:GetObject", `arn:aws:s3:::${bucket}/object`],
    ["ec2:ModifySnapshotAttribute", "*"],
    ["ec2:CopySnapshot", "*"],
    ["ec2:RegisterImage", "*"],
    ["ec2:DescribeImages", "*"],
  ];
}

/** Fails unless the role exists, trusts VM Import and may read the bucket. */
export function requireVmimport(global: Global, roleName: string, bucket: string): void {
  const role = global.roles[roleName];
  const policies = Object.values(role?.policies ?? {});
  const isReady =
    role !== undefined &&
    statements(role.assumeRolePolicy).some(trustsVmimport) &&
    vmimportNeeds(bucket).every(([action, resource]) => allows(policies, action, resource));
  if (isReady) return;
  const what = `The service role ${roleName} provided does not exist or does not have sufficient permissions`;
  throw new AwsError("InvalidParameter", what);
}

function trustsVmimport({ Effect, Principal, Action, Condition = {} }: Statement): boolean {
  const services = Principal === undefined || Principal === "*" ? [] : (Principal["Service"] ?? []);
  const externalId = Object.entries(Condition["StringEquals"] ?? {});
  return (
    Effect === "Allow" &&
    services.includes("vmie.amazonaws.com") &&
    Action.some((pattern) => matches(pattern, "sts:AssumeRole")) &&
    Object.keys(Condition).every((operator) => operator === "StringEquals") &&
    externalId.every(([key, values]) => /^sts:externalid$/i.test(key) && values.includes("vmimport"))
  );
}

function findRole(world: World, name: string): Role {
  const role = world.global.roles[name];
  if (role !== undefined) return role;
  throw new AwsError("NoSuchEntity", `The role with name ${name} cannot be found.`, 404);
}

interface RoleParams {
  RoleName?: string;
  Path?: string;
  Description?: string;
  AssumeRolePolicyDocument?: string;
  MaxSessionDuration?: number;
  Tags?: { Key: string; Value: string }[];
}

export function createRole(world: World, params: RoleParams): { Role: ShownRole } {
  const name = required(params.RoleName, "RoleName");
  if (world.global.roles[name] !== undefined) {
    throw new AwsError("EntityAlreadyExists", `Role with name ${name} already exists.`, 409);
  }
  const assumeRolePolicy = required(params.AssumeRolePolicyDocument, "AssumeRolePolicyDocument");
  statements(assumeRolePolicy);
  const role: Role = {
    name,
    path: params.Path ?? "/",
    assumeRolePolicy,
    policies: {},
    maxSessionDuration: params.MaxSessionDuration ?? 3600,
    tags: Object.fromEntries((params.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
    createDate: timestamp(world.now),
  };
  if (params.Description !== undefined) role.description = params.Description;
  world.global.roles[name] = role;
  return { Role: shownRole(world, role) };
}

export function getRole(world: World, params: RoleParams): { Role: ShownRole } {
  return { Role: shownRole(world, findRole(world, required(params.RoleName, "RoleName"))) };
}

type ShownRole = ReturnType<typeof shownRole>;

/** The policy is URL-encoded, as in IAM. */
function shownRole(world: World, role: Role) {
  return {
    RoleName: role.name,
    Path: role.path,
    RoleId: `AROA${world.account}`,
    CreateDate: role.createDate,
    Arn: `arn:aws:iam::${world.account}:role${role.path}${role.name}`,
    AssumeRolePolicyDocument: encodeURIComponent(role.assumeRolePolicy),
    Description: role.description,
    MaxSessionDuration: role.maxSessionDuration,
    Tags: Object.entries(role.tags).map(([Key, Value]) => ({ Key, Value })),
  };
}

interface SimulationParams {
  PolicySourceArn?: string;
  ActionNames?: string[];
  ResourceArns?: string[];
}

/** What a role's own policies say about each action and resource. */
export function simulatePrincipalPolicy(world: World, params: SimulationParams) {
  const name = required(params.PolicySourceArn, "PolicySourceArn").split("/").at(-1) ?? "";
  const policies = Object.values(findRole(world, name).policies);
  const EvaluationResults = (params.ActionNames ?? []).flatMap((EvalActionName) =>
    (params.ResourceArns ?? ["*"]).map((EvalResourceName) => ({
      EvalActionName,
      EvalResourceName,
      EvalDecision: allows(policies, EvalActionName, EvalResourceName) ? "allowed" : "implicitDeny",
    })),
  );
  return { EvaluationResults, IsTruncated: false };
}

/** Updates what can change in place: description, duration, trust and tags. */
export function updateRole(world: World, params: RoleParams): Record<string, never> {
  const role = findRole(world, required(params.RoleName, "RoleName"));
  if (params.AssumeRolePolicyDocument !== undefined) {
    statements(params.AssumeRolePolicyDocument);
    role.assumeRolePolicy = params.AssumeRolePolicyDocument;
  }
  if (params.Description !== undefined) role.description = params.Description;
  if (params.MaxSessionDuration !== undefined) role.maxSessionDuration = params.MaxSessionDuration;
  if (params.Tags !== undefined)
    role.tags = Object.fromEntries(params.Tags.map((tag) => [tag.Key, tag.Value]));
  return {};
}

export function deleteRole(world: World, params: RoleParams): Record<string, never> {
  const role = findRole(world, required(params.RoleName, "RoleName"));
  if (Object.keys(role.policies).length > 0) {
    throw new AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", 409);
  }
  delete world.global.roles[role.name];
  return {};
}

interface RolePolicyParams {
  RoleName?: string;
  PolicyName?: string;
  PolicyDocument?: string;
}

export function putRolePolicy(world: World, params: RolePolicyParams): Record<string, never> {
  const document = required(params.PolicyDocument, "PolicyDocument");
  statements(document);
  const role = findRole(world, required(params.RoleName, "RoleName"));
  role.policies[required(params.PolicyName, "PolicyName")] = document;
  return {};
}

export function getRolePolicy(world: World, params: RolePolicyParams): { PolicyDocument: string } {
  const role = findRole(world, required(params.RoleName, "RoleName"));
  const document = role.policies[required(params.PolicyName, "PolicyName")];
  if (document !== undefined) return { PolicyDocument: document };
  throw new AwsError("NoSuchEntity", `The role policy with name ${params.PolicyName} cannot be found.`, 404);
}

export function deleteRolePolicy(world: World, params: RolePolicyParams): Record<string, never> {
  getRolePolicy(world, params);
  delete findRole(world, required(params.RoleName, "RoleName")).policies[params.PolicyName ?? ""];
  return {};
}
