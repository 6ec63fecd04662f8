/** Assertions about errors by their code and place. Texts may change, so assert them only if they are the point. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/lib/error-codes.ts";
import type { Fault, UserError } from "../../src/lib/user-error.ts";

/** The expected error. */
export interface ExpectedError {
  /** Several codes if chance decides between them. */
  code: ErrorCode | readonly ErrorCode[];
  /** The whole place, or a pattern if the test cannot know it. Undefined if there is none. */
  where: string | RegExp | undefined;
  /** Must match its message, including the hint. Only if the text is the point. */
  text?: RegExp;
}

/** Calls a function, which must throw the expected error. */
export function throwsError(work: () => unknown, expected: ExpectedError): void {
  try {
    work();
  } catch (error) {
    assertError(error, expected);
    return;
  }
  assert.fail(`nothing was thrown, but ${String(expected.code)} was expected`);
}

/** Waits for work, which must fail with the expected error. */
export async function rejectsWith(work: Promise<unknown>, expected: ExpectedError): Promise<void> {
  const result = await work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (result === undefined) assert.fail(`nothing failed, but ${String(expected.code)} was expected`);
  assertError(result.error, expected);
}

/**
 * Checks the class by name, because copies of the project and the bootstrap have their own classes. Any other error is rethrown.
 */
function userErrorIn(error: unknown): UserError {
  const { name } = error as Error;
  if (name !== "UserError" && name !== "BootstrapError") throw error;
  return error as UserError;
}

/** Checks a user error by its code and place. */
export function assertError(error: unknown, { code, where, text }: ExpectedError): void {
  const known = userErrorIn(error);
  const about = known.message;
  assert.ok([code].flat().includes(known.code), `${known.code} instead of ${String(code)}: ${about}`);
  if (where instanceof RegExp) assert.match(known.where ?? "", where, about);
  else assert.equal(known.where, where, about);
  if (text !== undefined) assert.match(known.message, text);
}

/**
 * The mistakes that a function throws, one line each: `unknown-key configs/cloud/aws.yaml:1:1 tittle`. Empty if it does
 * not throw.
 */
export function mistakesOf(work: () => unknown): string[] {
  return faultsOf(work).map(({ code, where }) => [code, where].filter(Boolean).join(" "));
}

/** The single problems in what a function throws. */
export function faultsOf(work: () => unknown): readonly Fault[] {
  try {
    work();
  } catch (error) {
    const fault = userErrorIn(error).toJSON();
    return fault.problems ?? [fault];
  }
  return [];
}
