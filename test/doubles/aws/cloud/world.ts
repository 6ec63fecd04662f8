/** What a call to the cloud sees and may change. A transition changes the drafts in it and nothing else. */
import { createHash } from "node:crypto";
import { AwsError } from "./aws-error.ts";
import type { Global, ObjectContent, Region } from "./state.ts";

/** How many describing calls pass before something is there: the double's clock goes by being asked, never by waiting. */
export interface Polls {
  /** Until a new image can be seen at all. */
  visible: number;
  /** Until a registered image is available. */
  register: number;
  /** Until a copied image and its snapshots are there. */
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

/** An object as S3 has it, with the bytes that tell its format. */
export interface FoundObject extends ObjectContent {
  head: Buffer;
  /** The last 512 bytes. */
  tail: Buffer;
}

/** What a look-up in S3 found: the object, or what is missing or refused, in HTTP's words, or the bucket's region. */
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
  /** What S3 said about the object that the call names; only where the call names one. */
  object?: ObjectLookup;
}

/** An id of AWS's shape: the prefix, then 0 and 16 hexadecimal digits. The same calls in the same order give the same ids. */
export function newId(world: World, prefix: string): string {
  world.region.serial += 1;
  const seed = [world.account, world.regionName, prefix, world.region.serial].join(" ");
  return `${prefix}-0${createHash("sha256").update(seed).digest("hex").slice(0, 16)}`;
}

export const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** The answer that a repeated client token gets, else what `make` makes; the token is remembered only if it succeeds. */
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
