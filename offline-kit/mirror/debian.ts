import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

/** Debian packages, downloaded with apt into a private state directory: the host's own apt is left alone. */
export interface DebianArchive {
  /** Downloads and unpacks packages by name; their directories by package name. */
  unpack(names: readonly string[]): Promise<Map<string, DebianPackage>>;
}

export interface DebianPackage {
  name: string;
  /** Debian's full version, e.g. `1:9.2p1-2+deb12u10`. */
  version: string;
  /** Where its files lie. */
  directory: string;
}

const suites = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm-updates main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main
`;

/** Opens the archive for an architecture (Debian's name of it). */
export async function openDebianArchive(architecture: string, cache: string): Promise<DebianArchive> {
  const directory = join(cache, `debian-${architecture}`);
  const state = join(directory, "apt");
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(state, "cache", "archives", "partial"), { recursive: true });
  await mkdir(join(directory, "packages"), { recursive: true });
  await writeFile(join(state, "sources.list"), suites);
  const settings = {
    "Dir::State": state,
    "Dir::State::lists": join(state, "lists"),
    "Dir::State::status": "/dev/null",
    "Dir::Cache": join(state, "cache"),
    "Dir::Etc::sourcelist": join(state, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::Etc::preferencesparts": "-",
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
    "Acquire::Retries": "3",
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  await execa("apt-get", [...options, "--quiet", "update"]);
  return {
    async unpack(names) {
      const target = join(directory, "packages");
      const versions = await candidateVersions(names, options);
      const packages = names.map((name) => {
        const version = versions.get(name) ?? "";
        return { name, version, directory: join(target, `${name}_${version.replaceAll(":", "%3a")}`) };
      });
      await fetchMissing(packages, options, directory);
      return new Map(packages.map((one) => [one.name, one]));
    },
  };
}

async function candidateVersions(names: readonly string[], options: string[]): Promise<Map<string, string>> {
  const { stdout } = await execa("apt-cache", [...options, "policy", ...names], { env: { LC_ALL: "C" } });
  const versions = new Map<string, string>();
  let name = "";
  for (const line of stdout.split("\n")) {
    if (/^\S.*:$/.test(line)) name = line.slice(0, -1);
    const candidate = /^ {2}Candidate: (.+)$/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== "(none)") versions.set(name, candidate);
  }
  const missing = names.filter((one) => !versions.has(one));
  if (missing.length > 0) throw new Error(`Debian bookworm has no package ${missing.join(", ")}`);
  return versions;
}

/** Downloads (apt checks the signed hashes) and unpacks what is not there yet. */
async function fetchMissing(packages: DebianPackage[], options: string[], directory: string): Promise<void> {
  const missing: DebianPackage[] = [];
  for (const one of packages) if (!(await exists(one.directory))) missing.push(one);
  if (missing.length === 0) return;
  const downloads = join(directory, "downloads");
  await rm(downloads, { recursive: true, force: true });
  await mkdir(downloads, { recursive: true });
  const wanted = missing.map(({ name, version }) => `${name}=${version}`);
  await execa("apt-get", [...options, "--quiet", "download", ...wanted], { cwd: downloads });
  const files = await readdir(downloads);
  for (const one of missing) {
    const file = files.find((name) => name.startsWith(`${one.name}_`));
    if (file === undefined)
      throw new Error(`apt-get download brought no file for ${one.name} ${one.version}`);
    await rm(`${one.directory}.new`, { recursive: true, force: true });
    await execa("dpkg-deb", ["--extract", join(downloads, file), `${one.directory}.new`]);
    await rename(`${one.directory}.new`, one.directory);
  }
  await rm(downloads, { recursive: true });
}

/**
 * Debian's version in a form that apk accepts: the upstream part, and a revision made of the digits of Debian's, so
 * that a security update gets another file name. `1:9.2p1-2+deb12u10` → `9.2_p1-r21210`.
 */
export function alpineVersion(debianVersion: string): string {
  const withoutEpoch = debianVersion.replace(/^\d+:/, "");
  const match = /^(?<base>\d+(?:\.\d+)*)(?:p(?<patchLevel>\d+)|(?<letter>[a-z]))?/.exec(withoutEpoch)?.groups;
  if (match === undefined)
    throw new Error(`cannot write Debian version '${debianVersion}' as an Alpine version`);
  const suffix = match["patchLevel"] === undefined ? (match["letter"] ?? "") : `_p${match["patchLevel"]}`;
  const revision = debianVersion
    .slice(debianVersion.lastIndexOf("-") + 1)
    .replace(/\D/g, "")
    .slice(0, 9);
  return `${match["base"] ?? ""}${suffix}-r${revision || "0"}`;
}

const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;
