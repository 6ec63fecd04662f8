/**
 * A fault that a person can do something about: what is wrong, where, and what to do. Programs print its message
 * without a stack; anything else that is thrown is a defect and keeps its stack.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly what: string;
  readonly hint: string | undefined;

  /**
   * @param what one sentence: the fact, with the place it was found in
   * @param hint what to do about it
   */
  constructor(what: string, hint?: string, options?: ErrorOptions) {
    super(hint === undefined ? what : `${what}\n  → ${hint}`, options);
    this.what = what;
    this.hint = hint;
    // Wherever it ends up being printed: where in our code a person's mistake was noticed does not help that person.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** Runs a program's main function; a UserError ends it with exit code 1 and its message alone. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (thrown) {
    const error = fullDiskError(thrown) ?? thrown;
    if (error instanceof UserError) {
      process.stderr.write(`error: ${error.message}\n`);
    } else {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    }
    process.exitCode = 1;
  }
}

/** A full disk is nobody's defect, wherever it shows: what says so to a person; undefined for any other fault. */
export function fullDiskError(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, dest, path, message } = error as NodeJS.ErrnoException & { dest?: string };
  const isFull =
    code === "ENOSPC" || code === "EDQUOT" || /No space left on device|Disk quota exceeded/.test(message);
  if (!isFull || error instanceof UserError) return undefined;
  return noRoomError(dest ?? path, message.split("\n")[0], error);
}

/** What a person is told about a full disk. */
export function noRoomError(place: string | undefined, detail = "", cause?: unknown): UserError {
  return new UserError(
    `no space is left on the disk${place === undefined ? ` (${detail})` : `, for ${place}`}`,
    "make room for images and for the project's work/ (`npm run clean` empties its caches), then run it again",
    { cause },
  );
}
