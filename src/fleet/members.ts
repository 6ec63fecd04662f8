/** The stacks of a fleet. */
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { loadSources } from "../configuration/index.ts";
import { readStackFile, stackFileName } from "../configuration/settings.ts";
import { ConfigError, suggest } from "../configuration/source.ts";

/** One stack of a fleet, for one Alpine version. */
export interface Member {
  /** `release-3.23`. */
  stack: string;
  version: string;
  /** Its settings file. */
  file: string;
}

/** A fleet: the stacks made from a template. */
export interface Fleet {
  members: Member[];
  /** Versions of the ledger that have no release yet, and therefore no stack. */
  empty: string[];
}

/**
 * The fleet of the template `Pulumi.TEMPLATE.yaml`: a stack for each version of its ledger that has a release. If the template names
 * versions, only for those. In the order of the ledger, oldest first.
 * @throws ConfigError if the settings or the ledger are invalid
 */
export function fleetOf(root: string, template: string, clouds: readonly CloudRules[]): Fleet {
  const { overlays, ledger: ledgerFile, versions: chosen } = readStackFile(root, template, clouds);
  const { ledger } = loadSources({ root, clouds, overlays, ledgerFile });
  const unknown = chosen.filter((version) => !ledger.versions.includes(version));
  if (unknown.length > 0) {
    const file = stackFileName(template);
    throw new ConfigError(
      unknown.map((version) => ({
        code: "unknown-version" as const,
        file,
        path: "alpine:versions",
        message: `the ledger has no version ${version}${suggest(version, ledger.versions)}`,
      })),
    );
  }
  const versions = ledger.versions.filter((version) => chosen.length === 0 || chosen.includes(version));
  const hasRelease = (version: string) => ledger.entries.some((entry) => entry.version === version);
  return {
    members: versions.filter(hasRelease).map((version) => {
      const stack = `${template}-${version}`;
      return { stack, version, file: stackFileName(stack) };
    }),
    empty: versions.filter((version) => !hasRelease(version)),
  };
}
