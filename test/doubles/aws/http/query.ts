/**
 * The EC2 query protocol on the server's side, by the schemas that the official client speaks it with: so every call has
 * the names that the real service has, and none is written down here.
 */
import * as ec2 from "@aws-sdk/client-ec2";
import { NormalizedSchema } from "@smithy/core/schema";

const schemas = ec2 as unknown as Record<string, unknown>;

type Shape = ReturnType<typeof NormalizedSchema.of>;

/** An operation's schema is `[9, namespace, name, traits, input, output]`. */
function shapeOf(action: string, place: 4 | 5): Shape {
  const operation = schemas[`${action}$`] as unknown[] | undefined;
  const part = operation?.[place];
  if (part === undefined) throw new Error(`${action} isn't an operation of EC2`);
  return NormalizedSchema.of((typeof part === "function" ? (part as () => unknown)() : part) as never);
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The parameters of a form such as `Action=…&ImageId.1=…&Filter.1.Name=…`. */
export function readParams(action: string, form: URLSearchParams): Record<string, Json> {
  return readStructure(shapeOf(action, 4), form, "") ?? {};
}

function readStructure(
  shape: Shape,
  form: URLSearchParams,
  prefix: string,
): Record<string, Json> | undefined {
  const entries = [...shape.structIterator()].flatMap(([name, member]): [string, Json][] => {
    const traits = member.getMergedTraits() as { ec2QueryName?: string; xmlName?: string };
    const written = traits.ec2QueryName ?? capitalized(traits.xmlName ?? name);
    const value = readValue(member, form, prefix + written);
    return value === undefined ? [] : [[name, value]];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function readValue(shape: Shape, form: URLSearchParams, name: string): Json | undefined {
  if (shape.isStructSchema()) return readStructure(shape, form, `${name}.`);
  if (shape.isListSchema()) {
    const values: Json[] = [];
    for (let index = 1; ; index += 1) {
      const value = readValue(shape.getValueSchema(), form, `${name}.${index}`);
      if (value === undefined) return values.length === 0 ? undefined : values;
      values.push(value);
    }
  }
  const text = form.get(name);
  if (text === null) return undefined;
  if (shape.isBooleanSchema()) return text === "true";
  return shape.isNumericSchema() ? Number(text) : text;
}

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** An answer as the XML that the official client reads. */
export function writeAnswer(action: string, answer: unknown): string {
  const inner = writeStructure(shapeOf(action, 5), answer as Record<string, unknown>);
  return `<${action}Response><requestId>double</requestId>${inner}</${action}Response>`;
}

/** What the client has no name for is a mistake here, not something to leave out. */
function writeStructure(shape: Shape, value: Record<string, unknown>): string {
  const members = new Map(shape.structIterator());
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => {
      const member = members.get(name);
      if (member === undefined) throw new Error(`${shape.getName()} has no member ${name}`);
      const { xmlName } = member.getMergedTraits() as { xmlName?: string };
      return element(xmlName ?? name, writeValue(member, inner));
    })
    .join("");
}

function writeValue(shape: Shape, value: unknown): string {
  if (shape.isStructSchema()) return writeStructure(shape, value as Record<string, unknown>);
  if (shape.isListSchema()) {
    const item = shape.getValueSchema();
    const { xmlName } = item.getMergedTraits() as { xmlName?: string };
    return (value as unknown[]).map((one) => element(xmlName ?? "item", writeValue(item, one))).join("");
  }
  return escaped(String(value));
}

export const element = (name: string, content: string): string => `<${name}>${content}</${name}>`;

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
