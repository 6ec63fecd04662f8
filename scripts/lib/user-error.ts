/**
 * A fault that a person can do something about: what is wrong, where, and what to do. Programs print its message
 * without a stack; anything else that is thrown is a defect and keeps its stack.
 */
export class UserError extends Error {
  override readonly name = "UserError";

  /**
   * @param what one sentence: the fact, with the place it was found in
   * @param hint what to do about it
   */
  constructor(
    readonly what: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(hint === undefined ? what : `${what}\n  → ${hint}`, options);
  }
}

/** Runs a program's main function; a UserError ends it with exit code 1 and its message alone. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof UserError) {
      process.stderr.write(`error: ${error.message}\n`);
    } else {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    }
    process.exitCode = 1;
  }
}
