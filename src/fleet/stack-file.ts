/** Makes the settings file of a fleet's stack from the fleet's template. Pure: texts in, texts out. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isPair, isScalar, Scalar, YAMLSeq } from "yaml";
import { NAMESPACE } from "../configuration/settings.ts";
import { ConfigError, parseSource, problemAt, type Problem, type Source } from "../configuration/source.ts";

/** How a stack's file compares with what its template would make. */
export type StackFileState =
  | { state: "missing" }
  /** It has the same settings as would be made now, in any format. */
  | { state: "unchanged" }
  /** It is as it was made, but the template has changed since. */
  | { state: "outdated" }
  /** It was edited by hand. */
  | { state: "edited"; differences: string[] };

const versionsKey = `${NAMESPACE}:versions`;
/** The keys that Pulumi writes to a stack's file, to encrypt that stack's secrets. */
const pulumisOwn = ["encryptionsalt", "encryptedkey"];

type Config = Record<string, unknown>;

/** The whole text of the file. Keeps the stack's secrets and their encryption settings. */
export function stackFileText(template: Source, version: string, existing?: Source): string {
  const document = template.document!.clone() as Document;
  for (const key of pulumisOwn) document.delete(key);
  const quoted = new Scalar(version);
  quoted.type = "QUOTE_DOUBLE";
  const versions = new YAMLSeq();
  versions.add(quoted);
  document.setIn(["config", versionsKey], versions);
  const secrets = existing === undefined ? [] : ownSecrets(template, existing);
  for (const key of secrets)
    document.setIn(["config", key], existing!.document!.getIn(["config", key], true));
  for (const key of pulumisOwn) {
    const value = existing?.document!.get(key, true);
    if (value !== undefined) document.set(key, value);
  }
  document.commentBefore = null;
  if (isMap(document.contents)) {
    document.contents.commentBefore = null;
    const first = document.contents.items[0];
    if (isPair(first) && isScalar(first.key)) first.key.commentBefore = null;
  }
  const made = madeConfig(template, version);
  return `${header(template.file, version, digestOf(made))}${document.toString({ lineWidth: 0 })}`;
}

function header(template: string, version: string, digest: string): string {
  const fleet = template.replace(/^Pulumi\.(.*)\.yaml$/, "$1");
  return `# yaml-language-server: $schema=schemas/stack.json
# Made from ${template} by \`npm run fleet -- make ${fleet}\`, for Alpine ${version}: edit that file, and make it again.
# ${digestMark}${digest}
`;
}

const digestMark = "made: sha256:";

/** Compares a stack's file with what its template would make. */
export function stateOfStackFile(
  template: Source,
  version: string,
  text: string | undefined,
): StackFileState {
  if (text === undefined) return { state: "missing" };
  const file = parseSource(text, "");
  const own = new Set(ownSecrets(template, file));
  const found = Object.fromEntries(Object.entries(configOf(file)).filter(([key]) => !own.has(key)));
  // `pulumi stack init` makes a file with encryption settings only.
  if (Object.keys(found).length === 0) return { state: "missing" };
  const made = madeConfig(template, version);
  const recorded = new RegExp(`^# ${digestMark}([0-9a-f]{64})$`, "m").exec(text)?.[1];
  if (isDeepStrictEqual(found, made)) return { state: "unchanged" };
  if (recorded === digestOf(found)) return { state: "outdated" };
  const keys = [...new Set([...Object.keys(made), ...Object.keys(found)])];
  const differing = keys.filter((key) => !isDeepStrictEqual(made[key], found[key]));
  const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
  return {
    state: "edited",
    differences: differing.map(
      (key) => `${key} is ${shown(found[key])}, but the template has ${shown(made[key])}`,
    ),
  };
}

/** @throws ConfigError if the template has secrets, because no other stack can read them */
export function checkTemplate(template: Source): void {
  const secrets = Object.entries(configOf(template)).filter(([, value]) => hasSecret(value));
  if (secrets.length === 0) return;
  throw new ConfigError(
    secrets.map(([key]): Problem =>
      problemAt(
        template,
        "template-has-secret",
        ["config", key],
        "a template cannot have a secret, because a secret is encrypted for one stack: remove it, and set it in each stack with `npm run pulumi -- config set --secret`",
      ),
    ),
  );
}

/** The settings that a template makes for the stack of a version. */
function madeConfig(template: Source, version: string): Config {
  return { ...configOf(template), [versionsKey]: [version] };
}

function configOf({ data }: Source): Config {
  return (data as { config?: Config | null } | null)?.config ?? {};
}

/** Keys of secrets that are not in the template: they were set in this stack. */
function ownSecrets(template: Source, file: Source): string[] {
  const known = configOf(template);
  return Object.entries(configOf(file)).flatMap(([key, value]) =>
    hasSecret(value) && !(key in known) ? [key] : [],
  );
}

function hasSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if ("secure" in value && typeof value.secure === "string") return true;
  return Object.values(value).some(hasSecret);
}

function digestOf(config: Config): string {
  const sorted = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
