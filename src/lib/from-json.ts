/** The value of a JSON text; undefined for what isn't JSON, so that a schema says what is wrong with it. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
