/** Runs a task in several regions at once. */
import pLimit from "p-limit";
import { UserError } from "./user-error.ts";

/** Fast enough, and within one account's request limits. */
const atOnce = 8;

/**
 * Runs a task in every region, several at once. Regions are independent: a failure in one does not stop the others.
 * @throws UserError with all failures, one per line; any other error unchanged
 */
export async function forEachRegion<T, Result>(
  places: readonly T[],
  work: (place: T) => Promise<Result>,
): Promise<Result[]> {
  const limit = pLimit(atOnce);
  const done = await Promise.allSettled(places.map((place) => limit(() => work(place))));
  const errors = done.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
  const [first, ...more] = errors;
  const unexpected = errors.find((error) => !(error instanceof UserError));
  if (unexpected !== undefined) throw unexpected;
  if (first !== undefined && more.length === 0) throw first;
  if (first !== undefined) {
    const faults = (errors as UserError[]).map((error) => error.toJSON());
    const codes = new Set(faults.map(({ code }) => code));
    const [code = "several-faults"] = codes.size === 1 ? codes : [];
    throw new UserError(code, errors.map(({ message }) => message).join("\n"), undefined, { faults });
  }
  return done.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}
