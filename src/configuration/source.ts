/** Reads YAML files as plain data, and reports all problems at once, each as file:line:column. */
import { readFileSync } from "node:fs";
import { distance } from "fastest-levenshtein";
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document, Node, Scalar } from "yaml";
import { z } from "zod";
import type { ErrorCode } from "../lib/error-codes.ts";
import { UserError, type Fault } from "../lib/user-error.ts";

export type Path = readonly (string | number)[];

/** A place in a file. */
export interface Place {
  /** Relative to the project's root; or the name of another source, such as `stack settings`. */
  file: string;
  line?: number;
  column?: number;
  /** `packages.linux-virt`, `when[0].match`; empty for a whole file. */
  path: string;
}

/** One problem: its kind, its place, what is wrong, and what to do. */
export interface Problem extends Place {
  code: ErrorCode;
  message: string;
  /** The image that has the problem. Problems that differ only in this are shown once. */
  image?: string;
}

/** All problems of a run. If there is one, nothing is written, built or dropped. */
export class ConfigError extends UserError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const [first] = problems;
    const isOneKind = problems.every(({ code }) => code === first?.code);
    const where = new Set(problems.map(whereOf));
    super(
      isOneKind && first !== undefined ? first.code : "configuration-invalid",
      problems.map(formatProblem).join("\n"),
      undefined,
      { where: where.size === 1 ? [...where][0] : undefined, faults: problems.map(faultOf) },
    );
    this.problems = problems;
  }

  override text(): string {
    const count = `${this.problems.length} error${this.problems.length === 1 ? "" : "s"}`;
    return `${this.message}\n${count}; nothing was done.`;
  }
}

function faultOf(problem: Problem): Fault {
  const { code, message } = problem;
  return { code, message, where: whereOf(problem), hint: null };
}

export function formatProblem(problem: Problem): string {
  return `${formatPlace(problem)}: ${problem.path === "" ? "" : `${problem.path}: `}${problem.message}`;
}

export function formatPlace({ file, line, column }: Place): string {
  return line === undefined ? file : `${file}:${line}:${column}`;
}

/** For programs: `configs/version.yaml:3:5 packages.linux-virt`. */
function whereOf(place: Place): string {
  return place.path === "" ? formatPlace(place) : `${formatPlace(place)} ${place.path}`;
}

/** A file's data, and the line of each path in it. */
export interface Source {
  file: string;
  data: unknown;
  /** The place of a path's value or key. If the path does not exist, the place of its nearest existing parent. */
  place(path: Path, at?: "key" | "value"): Place;
  /** For programs that edit a file and keep its comments. */
  document?: Document.Parsed;
}

/** A problem at a path of a source. */
export function problemAt(
  source: Pick<Source, "place">,
  code: ErrorCode,
  path: Path,
  message: string,
  at?: "key" | "value",
): Problem {
  return { code, ...source.place(path, at), message };
}

/** Data without a file, such as stack settings from Pulumi. */
export function plainSource(file: string, data: unknown): Source {
  return { file, data, place: (path) => ({ file, path: formatPath(path) }) };
}

/** Without floats, `3.20` is a text like `3.23.6`, not the number 3.2. Dates are texts in YAML 1.2 anyway. */
const parseOptions = {
  prettyErrors: false,
  customTags: (tags: unknown[]) => tags.filter((tag) => (tag as { tag?: string }).tag !== FLOAT) as never,
};
const FLOAT = "tag:yaml.org,2002:float";

/** More nodes than any real file has, but far fewer than a bomb of nested aliases. */
const MAX_NODES = 200_000;

/** @param whenMissing the error code if the file is not found */
export function readSource(path: string, file = path, whenMissing: ErrorCode = "file-missing"): Source {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = isMissing ? "file not found" : String(error);
    throw new ConfigError([{ code: isMissing ? whenMissing : "file-unreadable", file, path: "", message }]);
  }
  return parseSource(text, file);
}

export function parseSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...parseOptions, lineCounter: lines });
  const at = (offset: number | undefined, path: Path): Place => {
    if (offset === undefined) return { file, path: formatPath(path) };
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path: formatPath(path) };
  };
  const broken = (offset: number | undefined, path: Path, message: string): Problem => ({
    code: "yaml-invalid",
    ...at(offset, path),
    message,
  });
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) throw new ConfigError(errors.map((e) => broken(e.pos[0], [], e.message)));
  return {
    file,
    document,
    data: plainData(document, broken),
    place: (path, which = "value") => at(offsetOf(document, path, which), path),
  };
}

/** A document as plain data, with aliases resolved. */
function plainData(
  document: Document.Parsed,
  broken: (offset: number | undefined, path: Path, message: string) => Problem,
): unknown {
  let nodes = 0;
  /** `open` holds the nodes being read, to detect an alias inside its own anchor. */
  const read = (node: unknown, path: Path, open: readonly unknown[]): unknown => {
    if (!isNode(node)) return null;
    const fail = (message: string) => new ConfigError([broken(node.range?.[0], path, message)]);
    if (++nodes > MAX_NODES) {
      throw fail(`more than ${MAX_NODES} values after resolving aliases: write them out, or use a layer`);
    }
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined) throw fail(`alias *${node.source} has no anchor`);
      if (open.includes(target)) throw fail(`alias *${node.source} is inside its own anchor: a cycle`);
      return read(target, path, open);
    }
    const inside = [...open, node];
    if (isSeq(node)) return node.items.map((item, i) => read(item, [...path, i], inside));
    if (isMap(node)) {
      const map: Record<string, unknown> = {};
      for (const { key, value } of node.items) {
        if (!isScalar(key)) throw fail("a key must be plain text");
        Object.defineProperty(map, keyText(key), {
          value: read(value, [...path, keyText(key)], inside),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return map;
    }
    return isScalar(node) ? node.value : null;
  };
  return read(document.contents, [], []);
}

/** The offset of a path's value or key. If the path does not exist, the offset of its nearest existing parent. */
function offsetOf(document: Document.Parsed, path: Path, which: "key" | "value"): number | undefined {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0];
  for (const [i, step] of path.entries()) {
    if (isAlias(node)) node = (node.resolve(document) as Node | undefined) ?? null;
    if (isMap(node)) {
      const pair = node.items.find((p) => isScalar(p.key) && keyText(p.key) === String(step));
      if (pair === undefined) break;
      const key = pair.key as Scalar;
      node = isNode(pair.value) ? pair.value : null;
      const last = i === path.length - 1;
      offset = (last && which === "key" ? undefined : node?.range?.[0]) ?? key.range?.[0] ?? offset;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      if (!isNode(item)) break;
      node = item;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

const keyText = (key: Scalar): string =>
  typeof key.value === "string" ? key.value : (key.source ?? String(key.value));

function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    const safe = /^[\w@+-]+$/.test(step) ? step : JSON.stringify(step);
    return text === "" ? safe : `${text}.${safe}`;
  }, "");
}

/** `; did you mean "packages"?` if a candidate is similar enough. Otherwise the most similar candidates. */
export function suggest(given: string, candidates: readonly string[]): string {
  const nearest = [...new Set(candidates)]
    .map((candidate) => ({ candidate, away: distance(given.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.away - b.away || (a.candidate < b.candidate ? -1 : 1));
  const [first] = nearest;
  if (first === undefined) return "";
  const near = Math.max(1, Math.ceil(Math.max(given.length, first.candidate.length) / 3));
  if (first.away <= near) return `; did you mean "${first.candidate}"?`;
  const shown = nearest.slice(0, MAX_SUGGESTIONS).map(({ candidate }) => candidate);
  return `; known: ${shown.join(", ")}${nearest.length > shown.length ? ", …" : ""}`;
}
const MAX_SUGGESTIONS = 8;

/** The source's data as the schema's type. Throws ConfigError with all problems. */
export function check<S extends z.ZodType>(schema: S, source: Source): z.output<S> {
  const result = schema.safeParse(source.data ?? {});
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.flatMap((issue) => describe(schema, source, issue)));
}

/** Runs every task, and reports the problems of all of them together. */
export function collect<T>(tasks: readonly (() => T)[]): T[] {
  const results: T[] = [];
  const problems: Problem[] = [];
  for (const task of tasks) {
    try {
      results.push(task());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(
        ...error.problems.filter(
          (one) => !problems.some((other) => formatProblem(other) === formatProblem(one)),
        ),
      );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return results;
}

type Issue = z.core.$ZodIssue;

function describe(schema: z.ZodType, source: Source, issue: Issue): Problem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const given = path.reduce<unknown>(
    (value, step) => (value as Record<string, unknown> | null)?.[step],
    source.data,
  );
  const code = given === undefined ? "value-missing" : "value-invalid";
  const say = (message: string) => [problemAt(source, code, path, message)];
  const missing = given === undefined ? "is missing: " : "";
  const got = missing ? "" : `, got ${valueName(given)}`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) =>
      problemAt(
        source,
        "unknown-key",
        [...path, key],
        `unknown key${suggest(key, keysAt(schema, path))}`,
        "key",
      ),
    );
  }
  const own = /^Invalid (input|option)/.test(issue.message) ? undefined : issue.message;
  if (issue.code === "invalid_type" && own !== undefined) return say(`${missing}${own}${got}`);
  if (issue.code === "invalid_type") {
    const quote = issue.expected === "string" && typeof given === "number" ? "; quote it" : "";
    return say(`${missing}expected ${typeNames[issue.expected] ?? issue.expected}${got}${quote}`);
  }
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    const near = typeof given === "string" ? suggest(given, values).replace(/^; known: .*/, "") : "";
    return say(`${missing}expected ${values.join(", ")}${got}${near}`);
  }
  if (issue.code === "too_small") {
    return say(`expected ${String(issue.minimum)} or more${issue.origin === "array" ? " items" : ""}${got}`);
  }
  if (issue.code === "invalid_key") {
    return [problemAt(source, "value-invalid", path, issue.issues[0]?.message ?? issue.message, "key")];
  }
  return say(issue.code === "invalid_union" ? `${missing}${issue.message}${got}` : issue.message);
}

const typeNames: Record<string, string> = {
  array: "a list",
  object: "a map",
  record: "a map",
  string: "a text",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
};

export function valueName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "string") return `the text ${JSON.stringify(value)}`;
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

/** The known keys of the schema's object at this path. */
function keysAt(schema: unknown, path: Path): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return keysAt(schema.unwrap(), path);
  }
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodExactOptional)
    return keysAt(schema.unwrap(), path);
  if (schema instanceof z.ZodPipe) return keysAt(schema.in, path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => keysAt(option, path));
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    return step === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[step], rest);
  }
  if (schema instanceof z.ZodRecord && step !== undefined) return keysAt(schema.valueType, rest);
  if (schema instanceof z.ZodArray && step !== undefined) return keysAt(schema.element, rest);
  return [];
}
