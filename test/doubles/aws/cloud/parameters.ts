/** SSM parameters, including those that name an image, which are validated after the call has returned. */
import { AwsError } from "./aws-error.ts";
import type { Parameter } from "./state.ts";
import { required, type World } from "./world.ts";

export interface PutParameterParams {
  Name?: string;
  Value?: string;
  Type?: string;
  DataType?: string;
  Description?: string;
  AllowedPattern?: string;
  Overwrite?: boolean;
  Tier?: string;
  Tags?: { Key: string; Value: string }[];
}

export const imageDataType = "aws:ec2:image";

/**
 * Writes a parameter. If it names an image, the call returns at once, and the value is validated later. A new parameter
 * cannot be read before that, or ever if its value is not an available image of the region. An existing parameter keeps
 * its old value in that case.
 */
export function putParameter(world: World, params: PutParameterParams): { Version: number; Tier: string } {
  const name = required(params.Name, "Name");
  const value = required(params.Value, "Value");
  const known = world.region.parameters[name];
  if (!/^\/?[a-zA-Z0-9_.\-/]{1,1010}$/.test(name) || /^\/?(aws|ssm)/i.test(name)) {
    throw new AwsError(
      "ValidationException",
      `Parameter name: can't be prefixed with "aws" or "ssm", or is malformed`,
    );
  }
  if (known !== undefined && params.Overwrite !== true) {
    const message =
      "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
    throw new AwsError("ParameterAlreadyExists", message);
  }
  if (params.Overwrite === true && params.Tags !== undefined) {
    const message = "Invalid request: tags and overwrite can't be used together.";
    throw new AwsError("ValidationException", message);
  }
  if (params.DataType !== undefined && known !== undefined && known.dataType !== params.DataType) {
    throw new AwsError("ValidationException", "The data type of a parameter can't be changed.");
  }
  if (params.AllowedPattern && !new RegExp(params.AllowedPattern).test(value)) {
    const message = `Parameter value, ${value}, cannot be validated against allowedPattern: ${params.AllowedPattern}`;
    throw new AwsError("ParameterPatternMismatchException", message);
  }
  const parameter: Parameter = known ?? {
    name,
    type: required(params.Type, "Type"),
    dataType: params.DataType ?? "text",
    tier: params.Tier ?? "Standard",
    value: "",
    version: 0,
    tags: Object.fromEntries((params.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
  };
  if (params.Description !== undefined) parameter.description = params.Description;
  if (params.AllowedPattern) parameter.allowedPattern = params.AllowedPattern;
  if (parameter.dataType !== imageDataType) accept(parameter, value);
  else if (known === undefined) parameter.pending = { value, polls: world.polls.parameter };
  // Whether AWS shows the old value for a moment is not documented. The emulator shows a valid new one at once.
  else if (isAvailable(world, value)) accept(parameter, value);
  world.region.parameters[name] = parameter;
  return { Version: parameter.version + (parameter.pending === undefined ? 0 : 1), Tier: parameter.tier };
}

function accept(parameter: Parameter, value: string): void {
  parameter.value = value;
  parameter.version += 1;
  delete parameter.pending;
}

const isAvailable = (world: World, imageId: string): boolean => world.region.images[imageId]?.polls === 0;

/** The parameter after one more poll. */
export function pollParameter(world: World, name: string | undefined): Parameter {
  const key = required(name, "Name");
  const parameter = world.region.parameters[key];
  if (parameter?.pending !== undefined) {
    parameter.pending.polls -= 1;
    if (parameter.pending.polls <= 0) {
      if (isAvailable(world, parameter.pending.value)) accept(parameter, parameter.pending.value);
      else delete world.region.parameters[key];
    }
  }
  const now = world.region.parameters[key];
  if (now !== undefined && now.version > 0) return now;
  throw new AwsError("ParameterNotFound", `Parameter ${key} not found.`);
}

export function deleteParameter(world: World, params: { Name?: string }): Record<string, never> {
  const name = required(params.Name, "Name");
  if (world.region.parameters[name] === undefined) {
    throw new AwsError("ParameterNotFound", `Parameter ${name} not found.`);
  }
  delete world.region.parameters[name];
  return {};
}
