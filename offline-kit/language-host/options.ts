/** The `runtime.options` in Pulumi.yaml, checked like in the real language host. */

export interface RuntimeOptions {
  /** Whether to load the program through ts-node. On by default. */
  typescript: boolean;
  /** Path of the tsconfig.json for ts-node. */
  tsconfig: string;
  /** Arguments for the node process, in shell syntax. */
  nodeargs: string;
  packagemanager: string;
}

const packageManagers = ["auto", "npm", "yarn", "pnpm", "bun"];

/** Checks and completes `options`. Throws the real host's message for a wrong type. */
export function parseRuntimeOptions(options: Readonly<Record<string, unknown>>): RuntimeOptions {
  const parsed: RuntimeOptions = { typescript: true, tsconfig: "", nodeargs: "", packagemanager: "auto" };
  const read = <T>(key: string, type: string, article: string, name = key): T | undefined => {
    const value = options[key];
    if (key in options && typeof value !== type) {
      throw new Error(`${name} option must be ${article} ${type}`);
    }
    return value as T | undefined;
  };
  parsed.typescript = read<boolean>("typescript", "boolean", "a") ?? parsed.typescript;
  parsed.tsconfig = read<string>("tsconfig", "string", "a", "tsconfigpath") ?? parsed.tsconfig;
  parsed.nodeargs = read<string>("nodeargs", "string", "a") ?? parsed.nodeargs;
  read<boolean>("production", "boolean", "a");
  parsed.packagemanager = read<string>("packagemanager", "string", "a") ?? parsed.packagemanager;
  if (!packageManagers.includes(parsed.packagemanager)) {
    throw new Error(
      `packagemanager option must be one of auto, npm, yarn, pnpm or bun, got "${parsed.packagemanager}"`,
    );
  }
  return parsed;
}

/**
 * Splits a command line into words with the quoting rules of a POSIX shell, without expansion:
 * 'literal', "with \" and \\", a\ b, and # up to the end of the line as a comment.
 */
export function splitShellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: "'" | '"' | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote === "'") {
      if (character === "'") quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === "\\") {
      index += 1;
      if (index >= text.length) throw new Error("EOF found after escape character");
      word = (word ?? "") + text.charAt(index);
    } else if (quote === '"') {
      if (character === '"') quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/[ \t\r\n]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "#" && word === undefined) {
      while (index + 1 < text.length && text.charAt(index + 1) !== "\n") index += 1;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== undefined) throw new Error("EOF found when expecting closing quote");
  if (word !== undefined) words.push(word);
  return words;
}
