/** Property values as exchanged between engine and provider, compared like in the real provider. */

/** A value in the protobuf struct. Secrets, assets and outputs are objects with a signature. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Properties = Record<string, Value>;

/** The key with which the engine marks special objects. */
const signatureKey = "4dabf18193072939515e22adb298388d";
const signatures = {
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
  secret: "1b47061264138c4ac30d75fd1eb44270",
} as const;

/** The engine's string for an unknown string. */
export const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const unknownValues = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  unknownString,
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

type Signed = keyof typeof signatures;

function isObject(value: Value | undefined): value is { [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSigned(value: Value | undefined, kind: Signed): value is { [key: string]: Value } {
  return isObject(value) && value[signatureKey] === signatures[kind];
}

function signed(kind: Signed, content: Properties): Value {
  return { [signatureKey]: signatures[kind], ...content };
}

export function fileAsset(path: string, hash: string): Value {
  return signed("asset", { hash, path });
}

export function assetArchive(assets: Properties, hash: string): Value {
  return signed("archive", { hash, assets });
}

/** A value without the engine's wrapping: whether it is known, whether it is secret, and the plain value. */
interface Folded {
  known: boolean;
  secret: boolean;
  value: Value;
}

function fold(value: Value | undefined): Folded {
  const none: Folded = { known: true, secret: false, value: null };
  if (value === undefined) return none;
  if (typeof value === "string" && unknownValues.has(value)) return { ...none, known: false };
  if (isSigned(value, "secret")) return { ...fold(value["value"]), secret: true };
  if (isSigned(value, "output")) {
    const inner = value["value"] === undefined ? { ...none, known: false } : fold(value["value"]);
    return { ...inner, secret: inner.secret || value["secret"] === true };
  }
  return { ...none, value };
}

/** Whether the value itself is unknown; an unknown inside it doesn't count. */
export function isUnknown(value: Value | undefined): boolean {
  return !fold(value).known;
}

/** The value with plain secrets and resolved outputs at every level. An unknown value becomes `undefined`. */
export function plain(value: Value | undefined): Value | undefined {
  const folded = fold(value);
  if (!folded.known) return undefined;
  const inner = folded.value;
  if (Array.isArray(inner)) return inner.map((element) => plain(element) ?? null);
  if (isObject(inner) && !isSigned(inner, "asset") && !isSigned(inner, "archive")) {
    return Object.fromEntries(
      Object.entries(inner as Properties).map(([key, element]) => [key, plain(element) ?? null]),
    );
  }
  return inner;
}

/** Removes properties that are null, which the real provider ignores. */
export function withoutNulls(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
}

/** Compares two values. A secret never equals the same plain value, nor does an unknown value equal a known one. */
export function sameValue(left: Value | undefined, right: Value | undefined): boolean {
  const [a, b] = [fold(left), fold(right)];
  if (a.known !== b.known || a.secret !== b.secret) return false;
  return a.known ? sameContent(a.value, b.value) : true;
}

function sameContent(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((element, index) => sameValue(element, b[index]));
  }
  if (isObject(a) && isObject(b)) {
    // Assets and archives are compared by content, not by location.
    if (typeof a["hash"] === "string" && a[signatureKey] !== undefined) {
      return a[signatureKey] === b[signatureKey] && a["hash"] === b["hash"];
    }
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => key in b && sameValue(a[key], b[key]))
    );
  }
  return a === b;
}

export type Change = "add" | "delete" | "update";

/** Every difference between two property maps by its path, such as `environment.HOME` or `triggers[0]`. */
export function differences(olds: Properties, news: Properties): Map<string, Change> {
  const found = new Map<string, Change>();
  compareObjects("", olds, news, found);
  return found;
}

function compareObjects(path: string, olds: Properties, news: Properties, found: Map<string, Change>): void {
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    compare(joined(path, key), olds[key], news[key], found);
  }
}

function compare(
  path: string,
  old: Value | undefined,
  new_: Value | undefined,
  found: Map<string, Change>,
): void {
  if (old === undefined || old === null) {
    if (new_ !== undefined && new_ !== null) found.set(path, "add");
  } else if (new_ === undefined || new_ === null) {
    found.set(path, "delete");
  } else if (Array.isArray(old) && Array.isArray(new_)) {
    for (let index = 0; index < Math.max(old.length, new_.length); index += 1) {
      compare(`${path}[${index}]`, old[index], new_[index], found);
    }
  } else if (isPlainObject(old) && isPlainObject(new_)) {
    compareObjects(path, old, new_, found);
  } else if (!sameValue(old, new_)) {
    found.set(path, "update");
  }
}

function isPlainObject(value: Value): value is { [key: string]: Value } {
  return isObject(value) && !(signatureKey in value);
}

function joined(path: string, key: string): string {
  if (/[."[\]]/.test(key)) return `${path}["${key.replaceAll('"', '\\"')}"]`;
  return path === "" ? key : `${path}.${key}`;
}
