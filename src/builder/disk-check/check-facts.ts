/** Compares a finished disk with what its variant declares. */
import type { Variant } from "../../configuration/variant.ts";
import type { Check } from "../../lib/checks.ts";
import type { identifiers } from "../inputs.ts";
import { bootChecks } from "./boot.ts";
import { cleanChecks } from "./clean.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";
import { filesystemChecks, partitionChecks } from "./partitions.ts";
import { packageChecks, serviceChecks } from "./software.ts";
import { systemChecks } from "./system.ts";
import { userChecks } from "./users.ts";

/** What a finished disk must look like. Everything except kernel and packages is known before its guest starts. */
export interface ExpectedDisk {
  variant: Variant;
  /** cloud-init's name of the cloud's data source: `Ec2`. */
  dataSource: string;
  /** Derived from the inputs' digest. */
  ids: ReturnType<typeof identifiers>;
  diskSizeMib: number;
  /** Where its partitions end. Some clouds require a larger disk than was declared. */
  declaredMib: number;
  /** Text of /etc/motd. */
  motd: string;
  /** The serial console: `ttyS0`. */
  console: string;
  /** Base name → sha256 of the variant's repoKeys. */
  repoKeys: Readonly<Record<string, string>>;
  /** `uname -r` of the installed kernel. */
  kernel: string;
  /** Installed packages, as reported by the guest. */
  packages: readonly { name: string; version: string }[];
  /**
   * Whether an overlay's scripts have changed the tree. They may add what a variant cannot declare (further packages,
   * services, filesystems), so some checks are less exact then. Checks for a safe and bootable image still apply.
   */
  customized: boolean;
}

/** One part of the checks. */
export type Checks = (facts: DiskFacts, expected: ExpectedDisk) => Check[];

const parts: readonly Checks[] = [
  partitionChecks,
  filesystemChecks,
  bootChecks,
  packageChecks,
  serviceChecks,
  systemChecks,
  userChecks,
  cleanChecks,
];

/** Compares what is on a finished disk with what its variant declares. */
export function checkFacts(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  return parts.flatMap((part) => part(facts, expected));
}
