/** Drops undefined fields from objects. */

/** An object's fields without undefined: fields that may be undefined become optional. */
type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * Drops undefined fields: `{ ...defined({ port, host }) }`. JSON, zod's strict objects and deep comparison distinguish a missing
 * field from an undefined one.
 */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
