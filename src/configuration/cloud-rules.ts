/** What the configuration must know of a cloud. The folders in `clouds/` implement it; nothing in `src/` names a cloud. */
import type { z } from "zod";

/** A cloud, as far as layers, ledger and stack settings speak of it. */
export interface CloudRules {
  /** The value of dimension `cloud`: `aws`. Also the name of the layer field and of the stack setting. */
  readonly name: string;
  /** The layer field: every key with its default, where it has one. @default the cloud has no field of its own */
  readonly options?: z.ZodObject;
  /** The stack setting: every key with its default. @default the cloud has no setting of its own */
  readonly settings?: z.ZodObject;
  /**
   * Why `access` cannot name this grantee, as the end of a sentence that begins with the name; undefined if it can.
   * @default any name is accepted
   */
  granteeProblem?(key: string): string | undefined;
  /**
   * The last day on which an image may be deprecated, YYYY-MM-DD, by the cloud's rules.
   * @param added the day its ledger entry was made
   * @default any day
   */
  latestDeprecation?: (added: string) => string;
}

/** The rules of one cloud; undefined for a cloud that only layers know. */
export function rulesOf(clouds: readonly CloudRules[], name: string | undefined): CloudRules | undefined {
  return clouds.find((cloud) => cloud.name === name);
}

/** Computes something once for each list of clouds: the registry is one list, and building zod schemas takes milliseconds. */
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
