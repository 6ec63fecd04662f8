/** A cloud's public list of its regions. */
export interface RegionLookup {
  /** Where the list is, readable without credentials. @default the cloud has no such list: give a file with `--from` */
  url?: string;
  /** The names of the regions in the list, or in a file in its place. */
  names(list: unknown): string[];
}

/** One key of every object in a list; nothing for what is no list. */
export const valuesOf = (list: unknown, key: string): unknown[] =>
  Array.isArray(list) ? list.map((item: Record<string, unknown>) => item[key]) : [];

/** One key of an object; undefined for what is no object. */
export const fieldOf = (data: unknown, key: string): unknown =>
  (data as Record<string, unknown> | null)?.[key];

/** The texts among these values. */
export const textsAmong = (values: unknown[]): string[] =>
  values.filter((value): value is string => typeof value === "string");
