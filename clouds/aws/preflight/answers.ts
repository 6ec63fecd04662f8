/** What preflight knows of an account: plain data, so that the judges need no AWS. */

import type { AwsFaultKind } from "../api/errors.ts";

export interface Failure {
  /** The error's code in AWS's API, or its name. */
  code: string;
  message: string;
  kind?: AwsFaultKind;
}

/** What a question came to. */
export type Answer<T> = { value: T } | { failure: Failure };

export interface OwnImage {
  id: string;
  name: string;
  isPublic: boolean;
  tags: Readonly<Record<string, string>>;
  /** When it is deprecated, if ever: ISO 8601, UTC. */
  deprecated?: string;
}

export interface RoleFacts {
  /** JSON. */
  trust: string;
  /** Actions that the role would need and isn't allowed. */
  denied: Answer<string[]>;
}

/** Of one region; what the plan has no use for isn't asked. */
export interface RegionFacts {
  images: Answer<OwnImage[]>;
  /** How many images may be public. */
  quota?: Answer<number>;
  /** `unblocked`, `block-new-sharing`. */
  imageBlocking?: Answer<string>;
  /** `unblocked`, `block-new-sharing`, `block-all-sharing`. */
  snapshotBlocking?: Answer<string>;
}

export interface AccountFacts {
  identity: Answer<{ account: string; arn: string }>;
  /** Region to its opt-in status, as DescribeRegions has it. */
  regions?: Answer<Record<string, string>>;
  bucketRegion?: Answer<string>;
  role?: Answer<RoleFacts>;
  perRegion?: Readonly<Record<string, RegionFacts>>;
}

/** Whether AWS refused because whoever asks may not, which is no proof that anything is wrong. */
export const isDenied = ({ kind }: Failure): boolean => kind === "denied";

/** What to do where it did. */
export const policyRemedy = "the publisher's policy of clouds/aws/account allows it";

/** By a region's opt-in status. */
export const isEnabled = (status: string | undefined): boolean =>
  status === "opt-in-not-required" || status === "opted-in";
