/** Parses JSON. Returns undefined for invalid JSON, so that a schema can report it. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
