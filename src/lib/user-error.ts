import type { ErrorCode } from "./error-codes.ts";

/** What programs are told of a fault, by `--json`. */
export interface Fault {
  code: ErrorCode;
  message: string;
  where: string | null;
  hint: string | null;
  /** The single faults, where there are several. */
  problems?: readonly Fault[];
}

/** What a UserError may have beside its texts. */
export interface UserErrorOptions extends ErrorOptions {
  /** Where the fault is: a file with line and column, a resource, a URL, a region. Its message names the place in words. */
  where?: string | undefined;
  /** The single faults, where it stands for several. */
  faults?: readonly Fault[];
}

/**
 * A fault that a person can do something about: what is wrong, where, and what to do. Programs print its message
 * without a stack; anything else that is thrown is a defect and keeps its stack.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string | undefined;
  readonly where: string | undefined;
  readonly #faults: readonly Fault[];

  /**
   * @param code the kind of fault, for programs: see docs/errors.md
   * @param what one sentence: the fact, with the place it was found in
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
    // Wherever it ends up being printed: where in our code a person's mistake was noticed does not help that person.
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
    "disk-full",
    `no space is left on the disk${place === undefined ? ` (${detail})` : `, for ${place}`}`,
    "make room for images and for the project's work/ (`npm run clean` empties its caches), then run it again",
    { where: place, cause },
  );
}
