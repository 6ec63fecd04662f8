/** The settings file of a fleet's stack, made from the fleet's template. Pure: texts in, texts out. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isPair, isScalar, Scalar, YAMLSeq } from "yaml";
import { NAMESPACE } from "../configuration/settings.ts";
import { ConfigError, parseSource, problemAt, type Problem, type Source } from "../configuration/source.ts";

/** What is in a stack's file, or not, beside what its template would make. */
export type StackFileState =
  | { state: "missing" }
  /** It says what would be made now, in whatever words. */
  | { state: "unchanged" }
  /** As it was made, and the template has changed since. */
  | { state: "outdated" }
  /** A person has changed it. */
  | { state: "edited"; differences: string[] };

const versionsKey = `${NAMESPACE}:versions`;
/** What Pulumi writes into a stack's file itself, to encrypt that stack's secrets. */
const pulumisOwn = ["encryptionsalt", "encryptedkey"];

type Config = Record<string, unknown>;

/** The file's whole text. What the stack has of its own, its secrets and what they are encrypted by, is kept. */
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

/** Compares a stack's file with what its template makes. */
export function stateOfStackFile(
  template: Source,
  version: string,
  text: string | undefined,
): StackFileState {
  if (text === undefined) return { state: "missing" };
  const file = parseSource(text, "");
  const own = new Set(ownSecrets(template, file));
  const found = Object.fromEntries(Object.entries(configOf(file)).filter(([key]) => !own.has(key)));
  // `pulumi stack init` makes a file with nothing but what secrets are encrypted by.
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
    differences: differing.map((key) => `${key} is ${shown(found[key])}, and would be ${shown(made[key])}`),
  };
}

/** @throws ConfigError for secrets, which no other stack can read */
export function checkTemplate(template: Source): void {
  const secrets = Object.entries(configOf(template)).filter(([, value]) => hasSecret(value));
  if (secrets.length === 0) return;
  throw new ConfigError(
    secrets.map(([key]): Problem =>
      problemAt(
        template,
        "template-has-secret",
        ["config", key],
        "a secret is encrypted for its own stack, and can't be in a template: take it out, and set it in each stack with `npm run pulumi -- config set --secret`",
      ),
    ),
  );
}

/** What a template's stack of that version is made with. */
function madeConfig(template: Source, version: string): Config {
  return { ...configOf(template), [versionsKey]: [version] };
}

function configOf({ data }: Source): Config {
  return (data as { config?: Config | null } | null)?.config ?? {};
}

/** Keys of secrets that the template does not have: somebody has set them in that stack. */
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
