/** How to look up a cloud's regions. The folders in `clouds/` implement it. */

/** A cloud's public list of its regions. */
export interface RegionLookup {
  /** URL of the list, readable without credentials. @default the cloud has no public list: give a file with `--from` */
  url?: string;
  /** The names of the regions in the list, or in a file that replaces it. */
  names(list: unknown): string[];
}

/** The values of one key in a list of objects; empty if the value is not a list. */
export const valuesOf = (list: unknown, key: string): unknown[] =>
  Array.isArray(list) ? list.map((item: Record<string, unknown>) => item[key]) : [];

/** The value of one key of an object; undefined if there is no object. */
export const fieldOf = (data: unknown, key: string): unknown =>
  (data as Record<string, unknown> | null)?.[key];

/** The strings among these values. */
export const textsAmong = (values: unknown[]): string[] =>
  values.filter((value): value is string => typeof value === "string");
