/**
 * Waits until all work is done, even if some of it fails: nothing still uses files that the caller then deletes.
 * @throws the first error, in the order of the arguments
 */
export async function allDone<Work extends readonly unknown[]>(
  ...work: { [Index in keyof Work]: Promise<Work[Index]> }
): Promise<Work> {
  const settled = await Promise.allSettled(work);
  const failed = settled.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value) as unknown as Work;
}
