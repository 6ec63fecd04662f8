import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** No sign of life for this long, and nobody waits for the result any more. */
const silenceSeconds = 60;

/**
 * Reads lines from an input that is also the life line of this process: when it closes or falls silent, the process
 * ends, and its guests with it by their own watchdog. Empty lines are signs of life.
 * @returns a function that waits for the next line
 */
export function readHeartbeat(
  input: Readable,
  onGone: () => void = () => process.exit(1),
  seconds = silenceSeconds,
): () => Promise<string> {
  const lines: string[] = [];
  let wake = (): void => {};
  let timer = setTimeout(onGone, seconds * 1000);
  const reader = createInterface({ input });
  reader.on("line", (line) => {
    clearTimeout(timer);
    timer = setTimeout(onGone, seconds * 1000);
    if (line === "") return;
    lines.push(line);
    wake();
  });
  reader.on("close", () => {
    clearTimeout(timer);
    onGone();
  });
  return async () => {
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
}
