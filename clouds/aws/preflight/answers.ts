/** What preflight knows about an account: plain data, so that the checks need no AWS. */

import type { AwsFaultKind } from "../api/errors.ts";

export interface Failure {
  /** The error's code in AWS's API, or the error's name. */
  code: string;
  message: string;
  kind?: AwsFaultKind;
}

/** The result of a query: a value, or why it failed. */
export type Answer<T> = { value: T } | { failure: Failure };

export interface OwnImage {
  id: string;
  name: string;
  isPublic: boolean;
  tags: Readonly<Record<string, string>>;
  /** ISO 8601, UTC. @default the image has no deprecation time */
  deprecated?: string;
}

export interface RoleFacts {
  /** JSON. */
  trust: string;
  /** Actions that the role needs but is not allowed. */
  denied: Answer<string[]>;
}

/** What is known about one region. What the plan does not need is not queried. */
export interface RegionFacts {
  images: Answer<OwnImage[]>;
  /** How many public images the region allows. */
  quota?: Answer<number>;
  /** `unblocked`, `block-new-sharing`. */
  imageBlocking?: Answer<string>;
  /** `unblocked`, `block-new-sharing`, `block-all-sharing`. */
  snapshotBlocking?: Answer<string>;
}

export interface AccountFacts {
  identity: Answer<{ account: string; arn: string }>;
  /** Region to its opt-in status, as in DescribeRegions. */
  regions?: Answer<Record<string, string>>;
  bucketRegion?: Answer<string>;
  role?: Answer<RoleFacts>;
  perRegion?: Readonly<Record<string, RegionFacts>>;
}

/** Whether AWS denied the query. That proves nothing about the account. */
export const isDenied = ({ kind }: Failure): boolean => kind === "denied";

/** The remedy for a denied query. */
export const policyRemedy = "allow it: the publisher's policy of clouds/aws/account does";

/** Whether a region with this opt-in status is enabled. */
export const isEnabled = (status: string | undefined): boolean =>
  status === "opt-in-not-required" || status === "opted-in";
