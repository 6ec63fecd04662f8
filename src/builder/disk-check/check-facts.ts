import type { Variant } from "../../configuration/variant.ts";
import { type Check, equal, none } from "../../lib/checks.ts";
import type { identifiers } from "../inputs.ts";
import { bootChecks } from "./boot.ts";
import { cleanChecks } from "./clean.ts";
import type { DiskFacts } from "./facts.ts";
import { filesystemChecks, partitionChecks } from "./partitions.ts";
import { packageChecks, serviceChecks } from "./software.ts";
import { systemChecks } from "./system.ts";
import { userChecks } from "./users.ts";

/** What a finished disk has to be, all of it known before its guest has started, but for kernel and packages. */
export interface ExpectedDisk {
  variant: Variant;
  /** cloud-init's name of the cloud's data source: `Ec2`. */
  dataSource: string;
  /** Derived from the inputs' digest. */
  ids: ReturnType<typeof identifiers>;
  diskSizeMib: number;
  /** Up to where its partitions go; some clouds want a larger disk than was declared. */
  declaredMib: number;
  /** Text of /etc/motd. */
  motd: string;
  /** The serial console: `ttyS0`. */
  console: string;
  /** Base name → sha256 of the variant's repoKeys. */
  repoKeys: Readonly<Record<string, string>>;
  /** `uname -r` of the kernel that was installed. */
  kernel: string;
  /** Packages that were installed, as the guest reported them. */
  packages: readonly { name: string; version: string }[];
  /**
   * Whether scripts of an overlay have had the tree in their hands. They may add what no variant can say (further
   * packages, services, filesystems), so less is exact then; what makes an image safe and bootable stays.
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

/** Compares what a guest told of the finished disk with what its variant declares. */
export function checkFacts(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  return [
    ...parts.flatMap((part) => part(facts, expected)),
    none("all facts understood", facts.unreadable),
    equal("all facts told", facts.single.get("end"), "yes"),
  ];
}
