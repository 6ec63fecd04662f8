/** What the configuration needs to know about a cloud. The folders in `clouds/` implement it; nothing in `src/` names a cloud. */
import type { z } from "zod";

/** A cloud, as layers, ledger and stack settings see it. */
export interface CloudRules {
  /** The value of dimension `cloud`: `aws`. Also the name of the layer field and of the stack setting. */
  readonly name: string;
  /** The layer field: every key, with its default if it has one. @default the cloud has no layer field */
  readonly options?: z.ZodObject;
  /** The stack setting: every key with its default. @default the cloud has no stack setting */
  readonly settings?: z.ZodObject;
  /**
   * Why `access` cannot name this grantee, worded to follow the name in a sentence; undefined if it can.
   * @default any name is accepted
   */
  granteeProblem?(key: string): string | undefined;
  /**
   * The latest deprecation date that the cloud allows, YYYY-MM-DD.
   * @param added the day when its ledger entry was added
   * @default any day
   */
  latestDeprecation?: (added: string) => string;
}

/** The rules of one cloud; undefined for a cloud that only layers know. */
export function rulesOf(clouds: readonly CloudRules[], name: string | undefined): CloudRules | undefined {
  return clouds.find((cloud) => cloud.name === name);
}

/** Computes something once per list of clouds: building zod schemas takes milliseconds, and the registry is always the same list. */
export function oncePerClouds<T>(
  make: (clouds: readonly CloudRules[]) => T,
): (clouds: readonly CloudRules[]) => T {
  const made = new WeakMap<readonly CloudRules[], T>();
  return (clouds) => {
    let found = made.get(clouds);
    if (found === undefined) made.set(clouds, (found = make(clouds)));
    return found;
  };
}
