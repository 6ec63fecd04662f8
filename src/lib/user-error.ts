/** Errors that people can do something about. */
import type { ErrorCode } from "./error-codes.ts";

/** An error as `--json` prints it. */
export interface Fault {
  code: ErrorCode;
  message: string;
  where: string | null;
  hint: string | null;
  /** The single errors, if there are several. */
  problems?: readonly Fault[];
}

/** What a UserError may have besides its texts. */
export interface UserErrorOptions extends ErrorOptions {
  /** The place of the error: a file with line and column, a resource, a URL, a region. The message names it, too. */
  where?: string | undefined;
  /** The single errors, if this one stands for several. */
  faults?: readonly Fault[];
}

/**
 * An error that a person can do something about: what is wrong, where, and what to do. Programs print its message without a
 * stack trace. Any other error is a bug and keeps its stack trace.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string | undefined;
  readonly where: string | undefined;
  readonly #faults: readonly Fault[];

  /**
   * @param code the kind of error, for programs: see docs/errors.md
   * @param what one sentence: what is wrong, and where
   * @param hint what to do about it
   */
  constructor(
    code: ErrorCode,
    what: string,
    hint?: string,
    { where, faults = [], ...options }: UserErrorOptions = {},
  ) {
    super(hint === undefined ? what : `${what}\n  → ${hint}`, options);
    this.code = code;
    this.what = what;
    this.hint = hint;
    this.where = where;
    this.#faults = faults;
    // Wherever the error is printed, a stack trace into our code would not help the person.
    this.stack = `${this.name}: ${this.message}`;
  }

  /** For people, without a stack. */
  text(): string {
    return `error: ${this.message}`;
  }

  /** For programs. */
  toJSON(): Fault {
    const { code, what, where = null, hint = null } = this;
    const [first, ...more] = this.#faults;
    if (first !== undefined && more.length === 0) return first;
    const fault = { code, message: what, where, hint };
    return first === undefined ? fault : { ...fault, problems: this.#faults };
  }
}

/**
 * A full disk is not a bug, wherever it shows up: the UserError for it, or undefined for any other error.
 * @param place what was being written, for errors that do not say. Node's do not, once a file is open.
 */
export function fullDiskError(error: unknown, place?: string): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, dest, path, message } = error as NodeJS.ErrnoException & { dest?: string };
  const isFull =
    code === "ENOSPC" || code === "EDQUOT" || /No space left on device|Disk quota exceeded/.test(message);
  if (!isFull || error instanceof UserError) return undefined;
  return noRoomError(dest ?? path ?? place, message.split("\n")[0], error);
}

/** The error for a full disk. */
export function noRoomError(place: string | undefined, detail = "", cause?: unknown): UserError {
  return new UserError(
    "disk-full",
    `no space left on the disk${place === undefined ? ` (${detail})` : ` for ${place}`}`,
    "free space for images and for the project's work/ (`npm run clean` empties its caches), then run it again",
    { where: place, cause },
  );
}
