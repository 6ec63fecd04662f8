/** Ends a builder's process when the machine that requested the build is gone. */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** After this long without a heartbeat, the connection is considered lost. */
const silenceSeconds = 60;

/**
 * Reads lines from an input that also carries the heartbeat, as empty lines. When the input closes or falls silent, the
 * process ends, and the watchdogs of its guests end those.
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
