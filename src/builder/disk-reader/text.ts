/** Bytes as text. */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes names and files, which should be UTF-8 but may be any bytes. Different bytes give different texts: what is not
 * UTF-8 gets a lone surrogate (U+DC80 to U+DCFF) for each byte above 127, as in Python's PEP 383.
 */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes)
      .toString("latin1")
      .replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
  }
}

/** The lines of a text file. The last one may lack its line feed. */
export function linesOf(bytes: Uint8Array): string[] {
  const lines = textOf(bytes).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
