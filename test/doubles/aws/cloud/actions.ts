/** All calls that the emulator answers, by their names in AWS's API. */
import { AwsError } from "./aws-error.ts";
import {
  completeSnapshot,
  getSnapshotBlock,
  listSnapshotBlocks,
  putSnapshotBlock,
  startSnapshot,
} from "./blocks.ts";
import {
  describeImages,
  describeImportSnapshotTasks,
  describeRegions,
  describeSnapshots,
} from "./describe.ts";
import {
  copyImage,
  deregisterImage,
  disableImageDeprecation,
  enableImageDeprecation,
  registerImage,
} from "./images.ts";
import { deleteParameter, pollParameter, putParameter } from "./parameters.ts";
import { getServiceQuota, requestServiceQuotaIncrease } from "./quotas.ts";
import {
  createRole,
  deleteRole,
  deleteRolePolicy,
  getRole,
  getRolePolicy,
  putRolePolicy,
  simulatePrincipalPolicy,
  updateRole,
} from "./roles.ts";
import {
  launchPermissions,
  modifyImageAttribute,
  modifySnapshotAttribute,
  pollImageBlockPublicAccess,
  setImageBlockPublicAccess,
} from "./sharing.ts";
import { deleteSnapshot, findSnapshot, importSnapshot } from "./snapshots.ts";
import { addTags, createTags, deleteTags } from "./tags.ts";
import { required, type World } from "./world.ts";

type Named = { Name?: string };
type Attribute = { ImageId?: string; Attribute?: string };
type State = { State?: string };

/** EC2's calls. */
export const ec2Actions = {
  ImportSnapshot: importSnapshot,
  DescribeImportSnapshotTasks: describeImportSnapshotTasks,
  DescribeSnapshots: describeSnapshots,
  DeleteSnapshot: deleteSnapshot,
  ModifySnapshotAttribute: modifySnapshotAttribute,
  DescribeSnapshotAttribute: (world: World, params: { SnapshotId?: string }) => {
    const { snapshotId, sharedWith } = findSnapshot(world, required(params.SnapshotId, "SnapshotId"));
    const CreateVolumePermissions = sharedWith.map((one) =>
      one === "all" ? { Group: one } : { UserId: one },
    );
    return { SnapshotId: snapshotId, CreateVolumePermissions };
  },
  RegisterImage: registerImage,
  CopyImage: copyImage,
  DescribeImages: describeImages,
  DeregisterImage: deregisterImage,
  ModifyImageAttribute: modifyImageAttribute,
  DescribeImageAttribute: (world: World, params: Attribute) => {
    if (params.Attribute !== "launchPermission") {
      throw new AwsError(
        "InvalidParameterValue",
        `The emulator doesn't know the attribute ${params.Attribute}`,
      );
    }
    return { ImageId: params.ImageId, LaunchPermissions: launchPermissions(world, params.ImageId) };
  },
  EnableImageDeprecation: enableImageDeprecation,
  DisableImageDeprecation: disableImageDeprecation,
  CreateTags: createTags,
  DeleteTags: deleteTags,
  EnableImageBlockPublicAccess: (world: World, params: { ImageBlockPublicAccessState?: string }) => {
    const state = required(params.ImageBlockPublicAccessState, "ImageBlockPublicAccessState");
    setImageBlockPublicAccess(world, state);
    return { ImageBlockPublicAccessState: state };
  },
  DisableImageBlockPublicAccess: (world: World) => {
    setImageBlockPublicAccess(world, "unblocked");
    return { ImageBlockPublicAccessState: "unblocked" };
  },
  GetImageBlockPublicAccessState: (world: World) => ({
    ImageBlockPublicAccessState: pollImageBlockPublicAccess(world),
  }),
  EnableSnapshotBlockPublicAccess: (world: World, params: State) => {
    const state = required(params.State, "State");
    if (!["block-all-sharing", "block-new-sharing"].includes(state)) {
      throw new AwsError("InvalidParameterValue", `Invalid value '${state}' for State.`);
    }
    world.region.snapshotBlockPublicAccess = state;
    return { State: state };
  },
  DisableSnapshotBlockPublicAccess: (world: World) => {
    world.region.snapshotBlockPublicAccess = "unblocked";
    return { State: "unblocked" };
  },
  GetSnapshotBlockPublicAccessState: (world: World) => ({
    State: world.region.snapshotBlockPublicAccess,
  }),
  DescribeRegions: describeRegions,
};

/** EBS direct's calls. */
export const ebsActions = {
  StartSnapshot: startSnapshot,
  PutSnapshotBlock: putSnapshotBlock,
  CompleteSnapshot: completeSnapshot,
  ListSnapshotBlocks: listSnapshotBlocks,
  GetSnapshotBlock: getSnapshotBlock,
};

/** SSM's calls. */
export const ssmActions = {
  PutParameter: putParameter,
  GetParameter: (world: World, params: Named) => {
    const { name, type, value, version, dataType } = pollParameter(world, params.Name);
    const ARN = `arn:aws:ssm:${world.regionName}:${world.account}:parameter/${name.replace(/^\//, "")}`;
    return { Parameter: { Name: name, Type: type, Value: value, Version: version, ARN, DataType: dataType } };
  },
  /** Only exact names are supported, which the provider uses. */
  DescribeParameters: (
    world: World,
    params: { ParameterFilters?: { Key?: string; Values?: string[] }[] },
  ) => {
    const names = params.ParameterFilters?.find(({ Key }) => Key === "Name")?.Values ?? [];
    const known = names.flatMap((name) => world.region.parameters[name] ?? []);
    const Parameters = known.map(({ name, type, dataType, description, allowedPattern, tier }) => ({
      Name: name,
      Type: type,
      DataType: dataType,
      Description: description,
      Tier: tier,
      AllowedPattern: allowedPattern,
    }));
    return { Parameters };
  },
  DeleteParameter: deleteParameter,
  AddTagsToResource: (
    world: World,
    params: { ResourceId?: string; Tags?: { Key: string; Value: string }[] },
  ) => {
    addTags(parameterTags(world, params.ResourceId), params.Tags ?? []);
    return {};
  },
  RemoveTagsFromResource: (world: World, params: { ResourceId?: string; TagKeys?: string[] }) => {
    const tags = parameterTags(world, params.ResourceId);
    for (const key of params.TagKeys ?? []) delete tags[key];
    return {};
  },
  ListTagsForResource: (world: World, params: { ResourceId?: string }) => {
    const tags = parameterTags(world, params.ResourceId);
    return { TagList: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  },
};

function parameterTags(world: World, name: string | undefined): Record<string, string> {
  const parameter = world.region.parameters[required(name, "ResourceId")];
  if (parameter !== undefined) return parameter.tags;
  throw new AwsError("InvalidResourceId", "The resource ID isn't valid.");
}

export const quotaActions = {
  GetServiceQuota: (world: World, params: { ServiceCode?: string; QuotaCode?: string }) => ({
    Quota: getServiceQuota(world, params),
  }),
  RequestServiceQuotaIncrease: (
    world: World,
    params: { ServiceCode?: string; QuotaCode?: string; DesiredValue?: number },
  ) => ({ RequestedQuota: requestServiceQuotaIncrease(world, params) }),
};

export const stsActions = {
  GetCallerIdentity: (world: World) => ({
    Account: world.account,
    Arn: `arn:aws:iam::${world.account}:user/double`,
    UserId: `AIDA${world.account}DOUBLE`,
  }),
};

export const iamActions = {
  CreateRole: createRole,
  GetRole: getRole,
  UpdateRole: updateRole,
  DeleteRole: deleteRole,
  PutRolePolicy: putRolePolicy,
  GetRolePolicy: getRolePolicy,
  DeleteRolePolicy: deleteRolePolicy,
  SimulatePrincipalPolicy: simulatePrincipalPolicy,
};

export const actions = {
  ...ec2Actions,
  ...ebsActions,
  ...ssmActions,
  ...quotaActions,
  ...stsActions,
  ...iamActions,
};

export type Actions = typeof actions;
export type ActionName = keyof Actions;
export type Params<Name extends ActionName> =
  Parameters<Actions[Name]> extends [World, infer Given] ? Given : Record<string, never>;
export type Answer<Name extends ActionName> = ReturnType<Actions[Name]>;

/** @throws AwsError if AWS would refuse the call */
export function perform<Name extends ActionName>(
  world: World,
  name: Name,
  params: Params<Name>,
): Answer<Name> {
  const transition = actions[name] as unknown as (world: World, params: Params<Name>) => Answer<Name>;
  return transition(world, params);
}

/** The service of a call, in the SDKs' spelling, as used in faults and the log. */
export function serviceOf(name: ActionName): "EC2" | "EBS" | "SSM" | "Service Quotas" | "STS" | "IAM" {
  if (name in ec2Actions) return "EC2";
  if (name in ebsActions) return "EBS";
  if (name in ssmActions) return "SSM";
  if (name in quotaActions) return "Service Quotas";
  return name in stsActions ? "STS" : "IAM";
}
