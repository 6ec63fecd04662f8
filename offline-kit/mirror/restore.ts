import { createHash } from "node:crypto";

/** How a file that the wheel's authors changed is brought back; see sources.yaml. */
export interface Restoration {
  /** The whole original text. */
  text?: string | undefined;
  /** A symlink's original target. */
  target?: string | undefined;
  /** Lines that were added. */
  dropLines?: string[] | undefined;
  /** Accounts were appended: drop lines from the end until the hash matches. */
  dropAccounts?: boolean | undefined;
  /** Lines that were changed: now → before. */
  replaceLines?: Record<string, string> | undefined;
}

const sha1 = (content: string | Buffer): Buffer => createHash("sha1").update(content).digest();

/**
 * The original of a changed file, or undefined when the restoration does not lead to the recorded hash. Only a result
 * with that very hash is ever returned, so what comes back is Alpine's own file and not a guess.
 */
export function restoreOriginal(
  changed: Buffer,
  restoration: Restoration,
  wanted: Buffer,
): Buffer | undefined {
  return candidates(changed.toString("utf8"), restoration)
    .map((text) => Buffer.from(text))
    .find((content) => sha1(content).equals(wanted));
}

function candidates(changed: string, restoration: Restoration): string[] {
  const { text, target, dropLines = [], dropAccounts = false, replaceLines = {} } = restoration;
  const whole = text ?? target;
  if (whole !== undefined) return [whole];
  const lines = changed
    .split("\n")
    .filter((line) => !dropLines.includes(line))
    .map((line) => replaceLines[line] ?? line);
  if (!dropAccounts) return [lines.join("\n")];
  const accounts = lines.filter((line) => line !== "");
  return accounts.map((_, dropped) => accounts.slice(0, accounts.length - dropped).join("\n") + "\n");
}
