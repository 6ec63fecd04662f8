/** Finds the Pulumi CLI, or downloads the official release, or builds it from its Go modules. */
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { downloadText, downloadVerified, Unreachable } from "./download.mjs";
import { pinned, projectRoot, pulumiReleases, toolsFolder } from "./pinned.mjs";
import { findOnPath, isExecutable, run } from "./processes.mjs";
import { BootstrapError, say, step } from "./report.mjs";
import { compareVersions, versionIn } from "./versions.mjs";

/**
 * @typedef {import("./tools-file.mjs").PulumiCli} PulumiCli
 * @typedef {import("./tools-file.mjs").VersionMemory} VersionMemory
 */

const downloaded = join(toolsFolder, "pulumi", "pulumi");
const built = join(toolsFolder, "bin", "pulumi");

/**
 * A CLI that is ready to use: the one on the user's PATH if it is new enough, otherwise one that the bootstrap installed.
 * @param {VersionMemory} memory
 * @param {{ path?: string, quiet?: boolean }} [options]
 * @returns {Promise<PulumiCli | undefined>}
 */
export async function findCli(memory, options = {}) {
  const onPath = findOnPath("pulumi", options.path);
  if (onPath !== undefined && onPath !== downloaded && onPath !== built) {
    const version = await cliVersion(onPath, memory);
    if (compareVersions(version, pinned.minimumPulumi) >= 0) return { path: onPath, version, origin: "PATH" };
    if (!options.quiet) {
      say(
        `ignoring ${onPath}: it is Pulumi ${version}, but this project needs ${pinned.minimumPulumi} or newer`,
      );
    }
  }
  for (const [path, origin] of /** @type {const} */ ([
    [downloaded, "downloaded"],
    [built, "built"],
  ])) {
    // A different version was installed before the pinned version changed.
    if (isExecutable(path) && (await cliVersion(path, memory)) === pinned.pulumi) {
      return { path, version: pinned.pulumi, origin };
    }
  }
  return undefined;
}

/**
 * @param {string} path
 * @param {VersionMemory} memory
 */
async function cliVersion(path, memory) {
  return await memory.of(path, async () => {
    const printed = await run(path, ["version"], {
      env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    const version = versionIn(printed);
    if (version === undefined) {
      throw new BootstrapError(
        "tool-failed",
        `${path} printed an unknown version: ${JSON.stringify(printed)}`,
        "remove it from PATH",
        { where: path },
      );
    }
    return version;
  });
}

/**
 * Downloads the CLI, or builds it if the download server can't be reached.
 * @param {VersionMemory} memory
 * @param {AbortSignal} signal
 * @returns {Promise<PulumiCli>}
 */
export async function installCli(memory, signal) {
  // Reports a CLI that is too old.
  await findCli(memory);
  try {
    await downloadCli(toolsFolder);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    say(`${error.message}: building Pulumi ${pinned.pulumi} from its Go modules instead`);
    await buildCli(signal);
  }
  const cli = await findCli(memory, { path: "", quiet: true });
  if (cli === undefined) {
    throw new BootstrapError(
      "tool-failed",
      `the Pulumi CLI in ${toolsFolder} is not version ${pinned.pulumi}`,
      undefined,
      { where: toolsFolder },
    );
  }
  return cli;
}

/**
 * The name of a release's archive for this machine.
 * @param {string} version
 * @param {string} [platform]
 * @param {string} [architecture]
 */
export function releaseArchive(version, platform = process.platform, architecture = process.arch) {
  if (!["linux", "darwin"].includes(platform) || !["x64", "arm64"].includes(architecture)) {
    throw new BootstrapError(
      "platform-unsupported",
      `Pulumi has no release for ${platform} on ${architecture}`,
      `install Pulumi ${pinned.minimumPulumi} or newer yourself and put it on PATH`,
      { where: `${platform} ${architecture}` },
    );
  }
  return `pulumi-v${version}-${platform}-${architecture}.tar.gz`;
}

/**
 * The SHA-256 of `archive` in a release's list of checksums.
 * @param {string} list
 * @param {string} archive
 */
export function checksumOf(list, archive) {
  const line = list
    .split("\n")
    .find((candidate) => candidate.trim().split(/\s+/)[1]?.replace(/^\*/, "") === archive);
  const checksum = line?.trim().split(/\s+/)[0] ?? "";
  if (!/^[0-9a-f]{64}$/.test(checksum)) {
    throw new BootstrapError(
      "platform-unsupported",
      `the release's list of checksums has no entry for ${archive}`,
      undefined,
      { where: archive },
    );
  }
  return checksum;
}

/**
 * Downloads the pinned release into `folder`/pulumi and verifies it against the release's own list of checksums.
 * @param {string} folder
 * @param {string} [releases]
 */
export async function downloadCli(folder, releases = pulumiReleases) {
  const archive = releaseArchive(pinned.pulumi);
  const list = await downloadText(`${releases}/pulumi-${pinned.pulumi}-checksums.txt`);
  const checksum = checksumOf(list, archive);
  await step(`download of Pulumi ${pinned.pulumi}`, async () => {
    await mkdir(folder, { recursive: true });
    const temporary = await mkdtemp(join(folder, "download-"));
    try {
      const file = join(temporary, archive);
      await downloadVerified(`${releases}/${archive}`, file, checksum);
      await run("tar", ["-xzf", file, "-C", temporary]);
      await rm(join(folder, "pulumi"), { recursive: true, force: true });
      await rename(join(temporary, "pulumi"), join(folder, "pulumi"));
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
}

/** @param {AbortSignal} signal */
async function buildCli(signal) {
  const go = findOnPath("go");
  const remedy = `install Pulumi ${pinned.minimumPulumi} or newer, or Go ${pinned.minimumGo} or newer, and try again`;
  if (go === undefined) {
    throw new BootstrapError(
      "tool-missing",
      "the Pulumi CLI is not installed, can't be downloaded, and can't be built because Go is not installed",
      remedy,
      { where: "pulumi" },
    );
  }
  const module = join(projectRoot, "offline-kit/pulumi-cli");
  const temporary = `${built}.${process.pid}`;
  await step(`build of Pulumi ${pinned.pulumi}, which takes 3 to 8 minutes`, async () => {
    await mkdir(join(toolsFolder, "bin"), { recursive: true });
    const version = `github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pinned.pulumi}`;
    const flags = ["-trimpath", "-buildvcs=false", "-ldflags", `-s -w -X ${version}`, "-o", temporary];
    try {
      await run(go, ["build", ...flags, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"], {
        cwd: module,
        // go.sum is in git, so the build fails if a download differs from what was reviewed.
        env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
        signal,
        remedy,
      });
      await rename(temporary, built);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}
