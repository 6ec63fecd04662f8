/** What a call to the cloud sees and may change. Transitions change only the drafts in it. */
import { createHash } from "node:crypto";
import { AwsError } from "./aws-error.ts";
import type { Global, ObjectContent, Region } from "./state.ts";

/** How many describe calls pass before something is ready. Polls are the emulator's only clock: it never waits. */
export interface Polls {
  /** Until a new image is visible. */
  visible: number;
  /** Until a registered image is available. */
  register: number;
  /** Until a copied image and its snapshots are available. */
  copy: number;
  /** Until an import task ends. */
  import: number;
  /** Until a new parameter of an image is validated. */
  parameter: number;
  /** Until blocking of public images has changed. */
  blockPublicAccess: number;
}

export const defaultPolls: Polls = {
  visible: 1,
  register: 2,
  copy: 4,
  import: 4,
  parameter: 2,
  blockPublicAccess: 2,
};

/** An object in S3, with the bytes that reveal its format. */
export interface FoundObject extends ObjectContent {
  head: Buffer;
  /** The last 512 bytes. */
  tail: Buffer;
}

/** What a look-up in S3 found: the object, or the HTTP status of a failure, with the bucket's region if known. */
export type ObjectLookup =
  | { found: FoundObject; bucketRegion: string }
  | { failure: "403 Forbidden" | "404 Not Found"; bucketRegion?: string };

export interface World {
  account: string;
  regionName: string;
  /** Milliseconds since 1970. */
  now: number;
  polls: Polls;
  enabledRegions: readonly string[];
  region: Region;
  global: Global;
  /** Another region of the account, to be read only. */
  otherRegion(name: string): Readonly<Region>;
  /** What S3 said about the object that the call names. Undefined if it names none. */
  object?: ObjectLookup;
}

/** An id of AWS's shape: the prefix, then 0 and 16 hexadecimal digits. The same calls in the same order give the same ids. */
export function newId(world: World, prefix: string): string {
  world.region.serial += 1;
  const seed = [world.account, world.regionName, prefix, world.region.serial].join(" ");
  return `${prefix}-0${createHash("sha256").update(seed).digest("hex").slice(0, 16)}`;
}

export const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** The earlier result of a repeated client token, or else what `make` returns. The token is remembered only on success. */
export function once(world: World, token: string | undefined, make: () => string): string {
  const known = token === undefined ? undefined : world.region.clientTokens[token];
  if (known !== undefined) return known;
  const made = make();
  if (token !== undefined) world.region.clientTokens[token] = made;
  return made;
}

export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined || value === "") {
    throw new AwsError("MissingParameter", `The request must contain the parameter ${name}`);
  }
  return value;
}
