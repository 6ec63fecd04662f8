/** The results of disk checks and boot tests, and helpers that word them. */

/** One requirement on a finished disk or a booted image, and whether it is met. */
export interface Check {
  name: string;
  passed: boolean;
  /** What was found and, if that is wrong, what was expected. */
  found: string;
}

export function equal(name: string, found: string | number | undefined, wanted: string | number): Check {
  const passed = found === wanted;
  const words = found === undefined || found === "" ? "nothing" : String(found);
  return { name, passed, found: passed ? words : `${words}, not ${wanted === "" ? "nothing" : wanted}` };
}

/** Passes if the list is empty. */
export function none(name: string, offenders: readonly string[]): Check {
  return { name, passed: offenders.length === 0, found: offenders.length === 0 ? "none" : some(offenders) };
}

/** Passes if all wanted items are found, and no others unless `others` allows them. */
export function contains(
  name: string,
  found: Iterable<string>,
  wanted: Iterable<string>,
  { others }: { others: boolean },
): Check {
  const there = new Set(found);
  const asked = new Set(wanted);
  const missing = [...asked].filter((item) => !there.has(item));
  const further = others ? [] : [...there].filter((item) => !asked.has(item));
  const faults = [
    ...(missing.length > 0 ? [`without ${some(missing)}`] : []),
    ...(further.length > 0 ? [`${some(further)}, not wanted`] : []),
  ];
  return {
    name,
    passed: faults.length === 0,
    found: faults.length === 0 ? some([...there]) : faults.join("; "),
  };
}

/** The first few items: a broken image may have thousands. */
export function some(items: readonly string[]): string {
  const sorted = [...items].sort();
  const shown = sorted.slice(0, 5).join(", ");
  return sorted.length > 5 ? `${shown} and ${sorted.length - 5} more` : shown;
}
