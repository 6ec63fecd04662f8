/**
 * The server's side of the query protocols, EC2's own and that of IAM and STS. It uses the official clients' schemas,
 * so that all names are the real services', and none is repeated here.
 */
import * as ec2 from "@aws-sdk/client-ec2";
import * as iam from "@aws-sdk/client-iam";
import * as sts from "@aws-sdk/client-sts";
import { NormalizedSchema } from "@smithy/core/schema";

export type QueryService = "ec2" | "iam" | "sts";

const clients = { ec2, iam, sts } as unknown as Record<QueryService, Record<string, unknown>>;

type Shape = ReturnType<typeof NormalizedSchema.of>;

/** An operation's schema is `[9, namespace, name, traits, input, output]`. */
function shapeOf(service: QueryService, action: string, place: 4 | 5): Shape {
  const operation = clients[service][`${action}$`] as unknown[] | undefined;
  const part = operation?.[place];
  if (part === undefined) throw new Error(`${action} is not an operation of ${service}`);
  return NormalizedSchema.of((typeof part === "function" ? (part as () => unknown)() : part) as never);
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The parameters of a form: `Action=…&ImageId.1=…&Filter.1.Name=…` in EC2, `ActionNames.member.1=…` in the others. */
export function readParams(
  service: QueryService,
  action: string,
  form: URLSearchParams,
): Record<string, Json> {
  return readStructure(shapeOf(service, action, 4), { form, isEc2: service === "ec2" }, "") ?? {};
}

interface Form {
  form: URLSearchParams;
  isEc2: boolean;
}

function readStructure(shape: Shape, form: Form, prefix: string): Record<string, Json> | undefined {
  const entries = [...shape.structIterator()].flatMap(([name, member]): [string, Json][] => {
    const traits = member.getMergedTraits() as { ec2QueryName?: string; xmlName?: string };
    const own = traits.xmlName ?? name;
    const written = form.isEc2 ? (traits.ec2QueryName ?? capitalized(own)) : own;
    const value = readValue(member, form, prefix + written);
    return value === undefined ? [] : [[name, value]];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function readValue(shape: Shape, form: Form, name: string): Json | undefined {
  if (shape.isStructSchema()) return readStructure(shape, form, `${name}.`);
  if (shape.isListSchema()) {
    const values: Json[] = [];
    for (let index = 1; ; index += 1) {
      const item = form.isEc2 ? `${name}.${index}` : `${name}.member.${index}`;
      const value = readValue(shape.getValueSchema(), form, item);
      if (value === undefined) return values.length === 0 ? undefined : values;
      values.push(value);
    }
  }
  const text = form.form.get(name);
  if (text === null) return undefined;
  if (shape.isBooleanSchema()) return text === "true";
  return shape.isNumericSchema() ? Number(text) : text;
}

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** A response as XML for the official client. */
export function writeAnswer(service: QueryService, action: string, answer: unknown): string {
  const shape = shapeOf(service, action, 5);
  const inner = writeStructure(
    shape,
    answer as Record<string, unknown>,
    service === "ec2" ? "item" : "member",
  );
  return service === "ec2"
    ? element(`${action}Response`, `<requestId>double</requestId>${inner}`)
    : element(`${action}Response`, element(`${action}Result`, inner));
}

/** An error as XML for the official client. */
export function writeError(service: QueryService, code: string, message: string): string {
  const error = element("Error", element("Code", code) + element("Message", escaped(message)));
  return service === "ec2"
    ? element("Response", element("Errors", error) + element("RequestID", "double"))
    : element("ErrorResponse", error);
}

/** A member that the client does not know is a mistake here, and must not be left out. */
function writeStructure(shape: Shape, value: Record<string, unknown>, item: string): string {
  const members = new Map(shape.structIterator());
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => {
      const member = members.get(name);
      if (member === undefined) throw new Error(`${shape.getName()} has no member ${name}`);
      const { xmlName } = member.getMergedTraits() as { xmlName?: string };
      return element(xmlName ?? name, writeValue(member, inner, item));
    })
    .join("");
}

function writeValue(shape: Shape, value: unknown, item: string): string {
  if (shape.isStructSchema()) return writeStructure(shape, value as Record<string, unknown>, item);
  if (shape.isListSchema()) {
    const inner = shape.getValueSchema();
    const { xmlName } = inner.getMergedTraits() as { xmlName?: string };
    return (value as unknown[]).map((one) => element(xmlName ?? item, writeValue(inner, one, item))).join("");
  }
  return escaped(String(value));
}

export const element = (name: string, content: string): string => `<${name}>${content}</${name}>`;

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
