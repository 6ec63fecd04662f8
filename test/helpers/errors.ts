/** Assertions about errors by their code and place. Texts may change: they are asserted where they are the point. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/lib/error-codes.ts";
import type { Fault, UserError } from "../../src/lib/user-error.ts";

/** What an error must be like. */
export interface ExpectedError {
  /** Or several, where chance decides between them. */
  code: ErrorCode | readonly ErrorCode[];
  /** The whole place, or a pattern for one that no test can know; undefined where there is none. */
  where: string | RegExp | undefined;
  /** In its message, hint included. Only where the text is the point. */
  text?: RegExp;
}

/** Calls a function, which must throw such an error. */
export function throwsError(work: () => unknown, expected: ExpectedError): void {
  try {
    work();
  } catch (error) {
    assertError(error, expected);
    return;
  }
  assert.fail(`nothing was thrown, and ${String(expected.code)} was expected`);
}

/** Waits for work that must fail with such an error. */
export async function rejectsWith(work: Promise<unknown>, expected: ExpectedError): Promise<void> {
  const result = await work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (result === undefined) assert.fail(`nothing failed, and ${String(expected.code)} was expected`);
  assertError(result.error, expected);
}

/** By its name, for a copy of the project has classes of its own, and the bootstrap another; any other error is thrown on. */
function userErrorIn(error: unknown): UserError {
  const { name } = error as Error;
  if (name !== "UserError" && name !== "BootstrapError") throw error;
  return error as UserError;
}

/** Checks an error, of a person's kind, by its code and place. */
export function assertError(error: unknown, { code, where, text }: ExpectedError): void {
  const known = userErrorIn(error);
  const about = known.message;
  assert.ok([code].flat().includes(known.code), `${known.code} and not ${String(code)}: ${about}`);
  if (where instanceof RegExp) assert.match(known.where ?? "", where, about);
  else assert.equal(known.where, where, about);
  if (text !== undefined) assert.match(known.message, text);
}

/** The mistakes that a function throws, a line each: `unknown-key configs/cloud/aws.yaml:1:1 tittle`. None where it throws none. */
export function mistakesOf(work: () => unknown): string[] {
  return faultsOf(work).map(({ code, where }) => [code, where].filter(Boolean).join(" "));
}

/** The single faults of what a function throws. */
export function faultsOf(work: () => unknown): readonly Fault[] {
  try {
    work();
  } catch (error) {
    const fault = userErrorIn(error).toJSON();
    return fault.problems ?? [fault];
  }
  return [];
}
