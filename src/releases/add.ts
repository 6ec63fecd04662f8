/** Commands that add entries to the ledger. */
import { ArchiveError } from "../builder/apk-archive.ts";
import {
  compareReleases,
  findEntry,
  imagesOf,
  imagesToday,
  label,
  newest,
} from "../configuration/ledger-edit.ts";
import { compact, releaseShape } from "../configuration/ledger.ts";
import { mergeLayers } from "../configuration/merge.ts";
import { isSelected } from "../configuration/select.ts";
import { ConfigError, suggest } from "../configuration/source.ts";
import type { Stage } from "../configuration/variant.ts";
import { defined } from "../lib/defined.ts";
import type { Output } from "../lib/command.ts";
import { UserError } from "../lib/user-error.ts";
import { dayAfter, fail, open, save, type CommonOptions } from "./ledger-session.ts";
import { type MirrorOptions, releaseServed } from "./served.ts";
import { readReleases, RELEASES_URL, type Branch } from "./upstream.ts";

export interface UpdateOptions extends CommonOptions, MirrorOptions {
  from?: string;
  at?: Stage;
}

/** Adds the newest release of each version that is not past its end of life. */
export async function update(versions: readonly string[], options: UpdateOptions): Promise<Output> {
  const session = open(options);
  const { config, ledger, editor } = session;
  const branches = await readReleases(options.from ?? RELEASES_URL);
  const known = config.values.get("version") ?? [];
  const did: string[] = [];
  const warnings = [...branches.keys()]
    .filter(
      (version) =>
        !known.includes(version) && known.some((one) => compareReleases(one, version) < 0 && one !== "edge"),
    )
    .map((version) => `${version} is new: to build it, add configs/version/${version}.yaml`);

  for (const version of versions.length > 0 ? versions : known) {
    if (!known.includes(version))
      fail("unknown-version", version, `unknown version${suggest(version, known)}`);
    const images = imagesToday(config, version);
    const own = mergeLayers(config.chain(images[0] ?? {}), images[0] ?? {}).endOfLife as string | undefined;
    const branch = branches.get(version);
    const before = ledger.source.document?.getIn(["versions", version, "endOfLife"]) as string | undefined;
    const endOfLife = own ?? branch?.endOfLife ?? before;
    if (endOfLife !== undefined && endOfLife <= options.today) continue;
    if (branch?.endOfLife !== undefined && before !== branch.endOfLife) {
      editor.setVersion(version, branch.endOfLife);
      did.push(
        `${version}: end of life is now ${branch.endOfLife}${before === undefined ? "" : `, was ${before}`}`,
      );
    }
    const isNew = [...branches.keys()].every(
      (other) => other === "edge" || compareReleases(other, version) < 0,
    );
    const found = await newestRelease({ version, branch, isNew, images }, options, warnings);
    if (found === undefined || ledger.entries.some(({ release }) => release === found.release)) continue;
    const last = newest(ledger.entries.filter((entry) => entry.version === version));
    if (last !== undefined && compareReleases(found.release, last.release) < 0) {
      warnings.push(
        `${version}: the newest release, ${found.release}, is older than the ledger's ${last.release}`,
      );
      continue;
    }
    const { release, date, releaseNotes } = found;
    editor.append(version, {
      release,
      date,
      revision: 0,
      stage: options.at ?? "import",
      added: options.today,
      ...(branch?.endOfLife === undefined ? { endOfLife: dayAfter(options.today) } : {}),
      ...defined({ releaseNotes }),
      images: compact(
        images,
        config.dimensions.filter((name) => name !== "version"),
      ),
    });
    did.push(
      `${version}: added ${release} r0 with ${images.length} images, to stage ${options.at ?? "import"}`,
    );
  }
  return save(session, did, warnings);
}

interface Found {
  release: string;
  date: string;
  releaseNotes?: string;
}

/** The version whose newest release `update` looks for. */
interface Asked {
  version: string;
  branch: Branch | undefined;
  /** Whether it is newer than every released version. */
  isNew: boolean;
  images: readonly Image[];
}

type Image = Readonly<Record<string, string>>;

/** The newest release of a branch; the day for edge; the mirror's release candidate for a version that is not released yet. */
async function newestRelease(
  { version, branch, isNew, images }: Asked,
  options: UpdateOptions,
  warnings: string[],
): Promise<Found | undefined> {
  const date = options.today;
  if (version === "edge") return { release: date.replaceAll("-", ""), date };
  const last = branch?.releases.at(-1);
  if (last !== undefined || !(isNew || branch)) return last;
  try {
    const release = await releaseServed(options, version, architecturesOf(images));
    if (releaseShape(version).test(release)) return { release, date };
    warnings.push(`${version}: not released, and ${release} on the mirror is not a release candidate`);
    return undefined;
  } catch (error) {
    // A missing candidate is no error, but contradictory or untrusted data is.
    if (!(error instanceof UserError) || error instanceof ConfigError) throw error;
    if (error.cause instanceof ArchiveError) throw error;
    warnings.push(`${version}: not released, and no release candidate: ${error.what}`);
    return undefined;
  }
}

const architecturesOf = (images: readonly Image[]): string[] => [
  ...new Set(images.map(({ arch = "" }) => arch)),
];

/** Adds the next revision of a release, with the images of the current configuration. */
export async function revise(name: string, options: UpdateOptions): Promise<Output> {
  const session = open(options);
  const { config, ledger, editor } = session;
  const entry = newest(ledger.entries.filter(({ release }) => release === findEntry(ledger, name).release))!;
  const images = imagesToday(config, entry.version)
    .map((dimensions) => ({
      dimensions,
      image: imagesOf({ ...entry, images: [dimensions] }, config.dimensions)[0]!,
    }))
    .filter(({ image }) => isSelected(image, options));
  if (images.length === 0) fail("selection-empty", label(entry), "--only and --skip leave no image");
  const architectures = architecturesOf(images.map(({ dimensions }) => dimensions));
  const served =
    entry.version === "edge"
      ? options.today.replaceAll("-", "")
      : await releaseServed(options, entry.version, architectures);
  if (served !== entry.release) {
    fail(
      "release-not-served",
      entry.release,
      `the mirror now serves ${served} of ${entry.version}, so ${entry.release} cannot be built again: use \`update\``,
    );
  }
  const own = ledger.source.document?.getIn([...entry.path, "endOfLife"]) as string | undefined;
  const notes = ledger.source.document?.getIn([...entry.path, "releaseNotes"]) as string | undefined;
  const { release, date } = entry;
  const revision = entry.revision + 1;
  editor.append(entry.version, {
    release,
    date,
    revision,
    stage: options.at ?? "import",
    added: options.today,
    ...defined({ endOfLife: own, releaseNotes: notes }),
    images: compact(
      images.map(({ dimensions }) => dimensions),
      config.dimensions.filter((dimension) => dimension !== "version"),
    ),
  });
  return save(session, [
    `added ${release} r${revision} with ${images.length} images, to stage ${options.at ?? "import"}`,
  ]);
}
