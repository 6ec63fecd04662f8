/** Fills in `{braces}` in texts. */
import { suggest } from "./source.ts";

/**
 * Fills in every `{word}`; `{{` and `}}` are literal braces. Words are in snake_case, like the keys of an image's metadata; values
 * are named in camelCase. Words in `later` stay as they are.
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
      unknown(`unmatched ${found}: write ${found}${found} for a literal brace`);
      return found;
    }
    if (later.includes(word)) return found;
    const value = values[camel(word)];
    if (typeof value === "string" || typeof value === "number") return String(value);
    unknown(`unknown word {${word}}${suggest(word, [...Object.keys(values).map(snake), ...later])}`);
    return found;
  });
}

const camel = (word: string): string => word.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const snake = (word: string): string => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
