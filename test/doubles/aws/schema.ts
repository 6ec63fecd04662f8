/** What the provider knows about a resource's properties: shapes, defaults, and which changes replace it. */
import { isUnknown, type Value } from "../../../offline-kit/command-provider/property.ts";

export interface Property {
  kind: "string" | "boolean" | "number" | "strings" | "map" | "object" | "objects";
  /** The properties of an object, or of each object in a list. */
  fields?: Record<string, Property>;
  required?: true;
  /** If true, the cloud sets it when it is left out. Otherwise, leaving it out means no value. */
  computed?: true;
  /** If true, a change replaces the resource. */
  replaces?: true;
  default?: Value;
  values?: readonly string[];
  /** Whether two values are equal in the cloud, such as times within one minute. */
  same?: (old: Value, new_: Value) => boolean;
  /** Why the emulator does not support it, although the real provider does. */
  absent?: string;
}

export type Values = Record<string, Value>;

export interface CheckFailure {
  property: string;
  reason: string;
}

/** The inputs with defaults, and what is wrong with them. Unknown values are accepted. */
export function checkInputs(
  properties: Readonly<Record<string, Property>>,
  inputs: Values,
  path = "",
): { inputs: Values; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const checked: Values = {};
  for (const [name, value] of Object.entries(inputs)) {
    const property = properties[name];
    if (value === null) continue;
    if (property === undefined) {
      failures.push({ property: path + name, reason: `Invalid or unknown key '${path}${name}'` });
    } else if (property.absent !== undefined) {
      const reason = `'${path}${name}' isn't in the AWS emulator: ${property.absent}`;
      failures.push({ property: path + name, reason });
    } else {
      checked[name] = checkValue(property, value, path + name, failures);
    }
  }
  for (const [name, property] of Object.entries(properties)) {
    if (checked[name] !== undefined) continue;
    if (property.default !== undefined) checked[name] = property.default;
    if (property.required) {
      failures.push({ property: path + name, reason: `Missing required argument '${path}${name}'` });
    }
  }
  return { inputs: checked, failures };
}

function checkValue(property: Property, value: Value, path: string, failures: CheckFailure[]): Value {
  if (isUnknown(value)) return value;
  const wrong = (expected: string): Value => {
    failures.push({
      property: path,
      reason: `expected '${path}' to be ${expected}, got ${JSON.stringify(value)}`,
    });
    return value;
  };
  const nested = (fields: Record<string, Property>, object: Value, at: string): Value => {
    if (!isMap(object)) return wrong("an object");
    const { inputs, failures: inner } = checkInputs(fields, object, `${at}.`);
    failures.push(...inner);
    return inputs;
  };
  switch (property.kind) {
    case "object":
      return nested(property.fields ?? {}, value, path);
    case "objects":
      if (!Array.isArray(value)) return wrong("a list");
      return value.map((one, index) => nested(property.fields ?? {}, one, `${path}[${index}]`));
    case "strings":
      return Array.isArray(value) ? value : wrong("a list");
    case "map":
      return isMap(value) ? value : wrong("a map");
    case "string":
    case "boolean":
    case "number":
      if (typeof value !== property.kind) return wrong(`a ${property.kind}`);
      if (property.values !== undefined && !property.values.includes(value as string)) {
        return wrong(`one of [${property.values.map((one) => `"${one}"`).join(" ")}]`);
      }
      return value;
  }
}

function isMap(value: Value | undefined): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface Difference {
  kind: "add" | "delete" | "update";
  replaces: boolean;
}

/**
 * What an update from the recorded state to the inputs changes, by path. Like Terraform it compares state with inputs,
 * so that drift that a refresh found is a difference. A property that is neither given nor computed should be empty.
 */
export function differences(
  properties: Readonly<Record<string, Property>>,
  state: Values,
  inputs: Values,
  path = "",
): Map<string, Difference> {
  const found = new Map<string, Difference>();
  for (const [name, property] of Object.entries(properties)) {
    // What the emulator does not support can only be in the state, never declared.
    if (property.absent === undefined) compare(property, state[name], inputs[name], path + name, found);
  }
  return found;
}

function compare(
  property: Property,
  old: Value | undefined,
  new_: Value | undefined,
  path: string,
  found: Map<string, Difference>,
): void {
  if (new_ === undefined && (property.computed || isEmpty(old))) return;
  const note = (kind: Difference["kind"], at = path): void => {
    found.set(at, { kind, replaces: property.replaces ?? false });
  };
  if (new_ === undefined) note("delete");
  else if (isUnknown(new_)) note("update");
  else if (isEmpty(old) && isEmpty(new_)) return;
  else if (property.kind === "objects") compareObjects(property, old, new_, path, found, note);
  else if (property.kind === "object" && isMap(old) && isMap(new_)) {
    for (const [at, difference] of differences(property.fields ?? {}, old, new_, `${path}.`))
      found.set(at, difference);
  } else if (property.kind === "map" && isMap(old) && isMap(new_)) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(new_)])) {
      const [before, after] = [old[key], new_[key]];
      if (before === after) continue;
      note(before === undefined ? "add" : after === undefined ? "delete" : "update", `${path}["${key}"]`);
    }
  } else if (isEmpty(old)) note("add");
  else if (!sameValue(property, old ?? null, new_)) note("update");
}

/** Compares sets of objects: their order does not count. */
function compareObjects(
  property: Property,
  old: Value | undefined,
  new_: Value,
  path: string,
  found: Map<string, Difference>,
  note: (kind: Difference["kind"]) => void,
): void {
  const [olds, news] = [asList(old), asList(new_)];
  if (olds.length !== news.length) return note(olds.length === 0 ? "add" : "update");
  news.forEach((one, index) => {
    for (const [at, difference] of differences(
      property.fields ?? {},
      olds[index] ?? {},
      one,
      `${path}[${index}].`,
    )) {
      found.set(at, difference);
    }
  });
}

const asList = (value: Value | undefined): Values[] => (Array.isArray(value) ? (value as Values[]) : []);

const sameValue = ({ same }: Property, old: Value, new_: Value): boolean =>
  JSON.stringify(old) === JSON.stringify(new_) || (same?.(old, new_) ?? false);

/** Values that Terraform cannot tell from unset. */
function isEmpty(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === "" || value === false || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
