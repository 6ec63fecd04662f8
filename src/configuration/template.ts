/** `{braces}` in texts. */
import { suggest } from "./source.ts";

/**
 * The text with every `{word}` filled in; `{{` and `}}` stand for braces. Words are written small_with_underscores,
 * like the keys of an image's metadata, for values named in camelCase. Words in `later` stay as they are.
 */
export function fill(
  text: string,
  values: Readonly<Record<string, unknown>>,
  later: readonly string[],
  unknown: (message: string) => void,
): string {
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (found, word: string | undefined) => {
    if (found === "{{") return "{";
    if (found === "}}") return "}";
    if (word === undefined) {
      unknown(`a lone ${found}: write ${found}${found} for a brace`);
      return found;
    }
    if (later.includes(word)) return found;
    const value = values[camel(word)];
    if (typeof value === "string" || typeof value === "number") return String(value);
    unknown(
      `nothing is known by the name {${word}}${suggest(word, [...Object.keys(values).map(snake), ...later])}`,
    );
    return found;
  });
}

const camel = (word: string): string => word.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const snake = (word: string): string => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
