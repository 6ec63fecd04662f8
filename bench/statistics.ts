/** Figures of several runs. */

/** The middle of the values, or the mean of the two in the middle; undefined without values. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** Seconds as text, with two decimals below ten; empty if undefined. */
export function secondsText(seconds: number | undefined): string {
  return seconds?.toFixed(seconds < 10 ? 2 : 1) ?? "";
}

/** `3.57–4.51`: the least and the most; empty with fewer than two values. */
export function rangeText(seconds: readonly number[]): string {
  if (seconds.length < 2) return "";
  return `${secondsText(Math.min(...seconds))}–${secondsText(Math.max(...seconds))}`;
}

/** The median of each phase as text, in the order of the phases, without those below 0.05 s. */
export function medianPhases(
  runs: readonly { phases?: Readonly<Record<string, number>> | undefined }[],
): Record<string, string> {
  const names = [...new Set(runs.flatMap(({ phases = {} }) => Object.keys(phases)))];
  const medians = names.map(
    (name) => [name, median(runs.map(({ phases }) => phases?.[name] ?? 0)) ?? 0] as const,
  );
  return Object.fromEntries(
    medians.filter(([, seconds]) => seconds >= 0.05).map(([name, seconds]) => [name, seconds.toFixed(1)]),
  );
}
