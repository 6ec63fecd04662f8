/**
 * Text from outside for messages: what would control a terminal, or be invisible, as its code: `\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
