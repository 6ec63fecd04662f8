/** Finds the release that can be built now: the one that a mirror serves for every architecture of the images. */
import path from "node:path";
import { buildSettings } from "../builder/build-settings.ts";
import type { MirrorSettings } from "../builder/mirror.ts";
import { servedRelease } from "../builder/served-release.ts";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import { readSettings, readStackFile } from "../configuration/settings.ts";
import { fail } from "./ledger-session.ts";

export interface MirrorOptions {
  root: string;
  /** The clouds that this program knows. */
  clouds: readonly CloudRules[];
  /** The stack whose mirror and trusted keys are used. @default the official mirror, and the project's keys */
  stack?: string;
  /** URL or folder of another mirror, signed with one of those keys. */
  mirror?: string;
}

/**
 * The release of a version that a mirror serves for all these architectures, according to its verified indexes.
 * @throws UserError if an index cannot be downloaded or verified, ConfigError if the indexes have different releases
 */
export async function releaseServed(
  options: MirrorOptions,
  version: string,
  architectures: readonly string[],
): Promise<string> {
  const mirror = mirrorOf(options);
  const served: { arch: string; release: string }[] = [];
  for (const arch of architectures) {
    served.push({ arch, release: (await servedRelease(mirror, version, arch)).release });
  }
  const [first, ...others] = served;
  if (first === undefined) throw new Error(`no architecture of ${version} to ask a mirror for`);
  if (others.every(({ release }) => release === first.release)) return first.release;
  const list = served.map(({ arch, release }) => `${release} for ${arch}`).join(", ");
  return fail(
    "release-not-served",
    version,
    `mirror ${mirror.url} serves ${list}: try again when the mirror is in sync, or use another one`,
  );
}

/** The mirror, with absolute paths of its key files: settings have them relative to the command's project. */
function mirrorOf({ root, clouds, stack, mirror }: MirrorOptions): MirrorSettings {
  const settings = stack === undefined ? readSettings({}, clouds) : readStackFile(root, stack, clouds);
  const { keyFiles, ...own } = buildSettings(settings, root).mirror;
  const keys = { keyFiles: keyFiles.map((file) => path.resolve(root, file)) };
  if (!mirror) return { ...own, ...keys };
  const isUrl = /^\w+:\/\//.test(mirror);
  return { name: "chosen", url: isUrl ? mirror : `file://${encodeURI(path.resolve(mirror))}`, ...keys };
}
