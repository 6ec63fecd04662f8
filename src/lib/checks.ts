/** What the judges of an image find, and words in which they say it. */

/** One thing that a finished disk has to be, or a booted image has to show. */
export interface Check {
  name: string;
  passed: boolean;
  /** What was found, and where that is wrong, what was wanted: for a person who reads why an image failed. */
  found: string;
}

export function equal(name: string, found: string | number | undefined, wanted: string | number): Check {
  const passed = found === wanted;
  const words = found === undefined || found === "" ? "nothing" : String(found);
  return { name, passed, found: passed ? words : `${words}, not ${wanted === "" ? "nothing" : wanted}` };
}

/** Nothing may be on this list. */
export function none(name: string, offenders: readonly string[]): Check {
  return { name, passed: offenders.length === 0, found: offenders.length === 0 ? "none" : some(offenders) };
}

/** All that are wanted must be there; others only where they may be. */
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

/** The first few, for a broken image may have thousands. */
export function some(items: readonly string[]): string {
  const sorted = [...items].sort();
  const shown = sorted.slice(0, 5).join(", ");
  return sorted.length > 5 ? `${shown} and ${sorted.length - 5} more` : shown;
}
