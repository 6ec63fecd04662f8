/** The inputs of `command:local:Command` and `command:local:run`, checked like in the real provider. */
import { plain, type Properties, type Value } from "./property.ts";

/** The inputs of every local command. */
export interface BaseInputs {
  stdin?: string;
  logging?: string;
  interpreter?: string[];
  dir?: string;
  environment?: Record<string, string>;
  assetPaths?: string[];
  archivePaths?: string[];
  addPreviousOutputInEnv?: boolean;
}

export interface CommandInputs extends BaseInputs {
  create?: string;
  update?: string;
  delete?: string;
  triggers?: Value[];
}

export interface RunInputs extends BaseInputs {
  command: string;
}

type Shape = "string" | "bool" | "[]string" | "map[string]string" | "[]interface {}";

const baseShapes: Record<string, Shape> = {
  stdin: "string",
  logging: "string",
  interpreter: "[]string",
  dir: "string",
  environment: "map[string]string",
  assetPaths: "[]string",
  archivePaths: "[]string",
  addPreviousOutputInEnv: "bool",
};

/** The inputs' names and shapes, in the terms of the real provider's messages. */
export const commandShapes: Readonly<Record<string, Shape>> = {
  triggers: "[]interface {}",
  create: "string",
  update: "string",
  delete: "string",
  ...baseShapes,
};
export const runShapes: Readonly<Record<string, Shape>> = { ...baseShapes, command: "string" };

export interface InputFailure {
  property: string;
  reason: string;
}

/** Checks `inputs` against `shapes` and returns the failures. An unknown value has every shape. */
export function checkInputs(
  inputs: Properties,
  shapes: Readonly<Record<string, Shape>>,
  typeName: string,
): InputFailure[] {
  const failures: InputFailure[] = [];
  for (const [property, input] of Object.entries(inputs)) {
    const shape = shapes[property];
    if (shape === undefined) {
      failures.push({ property, reason: `Unrecognized field '${property}' on '${typeName}'` });
      continue;
    }
    const wrong = wrongPart(property, plain(input), shape);
    if (wrong) {
      const [where, expected, actual] = wrong;
      const reason = wrongTypeReason(typeName, where, expected, actual);
      failures.push({ property: where, reason });
    }
  }
  return failures;
}

function wrongTypeReason(typeName: string, where: string, expected: string, actual: string): string {
  if (actual.startsWith("map") && !expected.startsWith("[]")) {
    const field = `${typeName.replace(/^local\./, "")}.${where}`;
    return `An error occurred decoding '${field}': Cannot decode Object{} to type ${expected}; it isn't a struct, and no custom decoder exists`;
  }
  return `Field '${where}' on '${typeName}' must be a '${expected}'; got '${actual}' instead`;
}

type WrongPart = [where: string, expected: string, actual: string];

function wrongPart(name: string, value: Value | undefined, shape: Shape): WrongPart | undefined {
  if (value === undefined || value === null) return undefined;
  if (shape === "string" || shape === "bool") {
    return goType(value) === shape ? undefined : [name, shape, goType(value)];
  }
  if (shape === "map[string]string") {
    if (goType(value) !== "map[string]interface {}") return [name, shape, goType(value)];
    return firstWrong(
      Object.entries(value as Properties).map(([key, entry]) => [`${name}[${key}] value`, entry]),
    );
  }
  if (!Array.isArray(value)) return [name, shape, goType(value)];
  return shape === "[]string"
    ? firstWrong(value.map((element, index) => [`${name}[${index}]`, element]))
    : undefined;
}

function firstWrong(parts: [string, Value][]): WrongPart | undefined {
  return parts.map(([name, value]) => wrongPart(name, value, "string")).find((wrong) => wrong !== undefined);
}

function goType(value: Value): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "float64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

/** The inputs with plain secrets, for running. `properties` may also contain outputs, which are ignored. */
export function readCommandInputs(properties: Properties): CommandInputs {
  return pick(properties, commandShapes);
}

export function readRunInputs(properties: Properties): RunInputs {
  return pick(properties, runShapes) as unknown as RunInputs;
}

function pick(properties: Properties, shapes: Readonly<Record<string, Shape>>): Properties {
  const entries = Object.keys(shapes).flatMap((key): [string, Value][] => {
    const value = plain(properties[key]);
    return value === undefined || value === null ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}
