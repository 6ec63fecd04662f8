/** Finds and installs QEMU, firmware and other tools from the system's package manager. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pinned, projectRoot } from "./pinned.mjs";
import { findOnPath, run } from "./processes.mjs";
import { BootstrapError, step } from "./report.mjs";
import { compareVersions, versionIn } from "./versions.mjs";

/**
 * @typedef {"apt" | "apk" | "dnf" | "brew"} PackageManager
 * @typedef {object} Requirement
 * @property {string} name for messages
 * @property {string} [command] met if this is on PATH
 * @property {readonly string[]} [files] met if one of these exists
 * @property {string} [debianPackage] met if this is installed
 * @property {string} [minimumVersion] of what `command --version` prints
 * @property {"x86_64" | "aarch64"} [arch] only images of this architecture need it
 * @property {Partial<Record<PackageManager, string>>} packages
 */

const firmwareFolders = ["/usr/share", "/usr/local/share", "/opt/homebrew/share"];

/** @param {readonly string[]} paths */
const inFirmwareFolders = (paths) =>
  firmwareFolders.flatMap((folder) => paths.map((path) => join(folder, path)));

/** @type {readonly Requirement[]} */
const builderRequirements = [
  {
    name: "QEMU for x86_64",
    arch: "x86_64",
    command: "qemu-system-x86_64",
    minimumVersion: pinned.minimumQemu,
    packages: {
      apt: "qemu-system-x86",
      apk: "qemu-system-x86_64",
      dnf: "qemu-system-x86-core",
      brew: "qemu",
    },
  },
  {
    name: "QEMU for aarch64",
    arch: "aarch64",
    command: "qemu-system-aarch64",
    minimumVersion: pinned.minimumQemu,
    packages: {
      apt: "qemu-system-arm",
      apk: "qemu-system-aarch64",
      dnf: "qemu-system-aarch64-core",
      brew: "qemu",
    },
  },
  {
    name: "qemu-img",
    command: "qemu-img",
    minimumVersion: pinned.minimumQemu,
    packages: { apt: "qemu-utils", apk: "qemu-img", dnf: "qemu-img", brew: "qemu" },
  },
  {
    name: "bzip2",
    command: "bzip2",
    packages: { apt: "bzip2", apk: "bzip2", dnf: "bzip2", brew: "bzip2" },
  },
  {
    name: "UEFI firmware for x86_64 (OVMF)",
    arch: "x86_64",
    files: inFirmwareFolders([
      "OVMF/OVMF_CODE_4M.fd",
      "OVMF/OVMF_CODE.fd",
      "OVMF/OVMF.fd",
      "edk2/ovmf/OVMF_CODE.fd",
      "edk2/ovmf/OVMF_CODE_4M.qcow2",
      "qemu/edk2-x86_64-code.fd",
    ]),
    packages: { apt: "ovmf", apk: "ovmf", dnf: "edk2-ovmf", brew: "qemu" },
  },
  {
    name: "UEFI firmware for aarch64 (AAVMF)",
    arch: "aarch64",
    files: inFirmwareFolders([
      "AAVMF/AAVMF_CODE.fd",
      "AAVMF/QEMU_EFI.fd",
      "edk2/aarch64/QEMU_EFI-pflash.raw",
      "edk2/aarch64/QEMU_EFI.fd",
      "qemu/edk2-aarch64-code.fd",
    ]),
    packages: { apt: "qemu-efi-aarch64", apk: "aavmf", dnf: "edk2-aarch64", brew: "qemu" },
  },
];

/** @type {readonly Requirement[]} */
const testRequirements = [
  {
    name: "an SSH server (sshd)",
    files: ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/opt/homebrew/sbin/sshd"],
    packages: { apt: "openssh-server", apk: "openssh-server", dnf: "openssh-server", brew: "openssh" },
  },
  {
    name: "shellcheck",
    command: "shellcheck",
    packages: { apt: "shellcheck", apk: "shellcheck", dnf: "ShellCheck", brew: "shellcheck" },
  },
  {
    name: "e2fsprogs",
    files: ["/usr/sbin/debugfs", "/sbin/debugfs", "/opt/homebrew/opt/e2fsprogs/sbin/debugfs"],
    packages: { apt: "e2fsprogs", apk: "e2fsprogs-extra", dnf: "e2fsprogs", brew: "e2fsprogs" },
  },
  {
    name: "mtools",
    command: "mcopy",
    packages: { apt: "mtools", apk: "mtools", dnf: "mtools", brew: "mtools" },
  },
  {
    name: "faketime",
    command: "faketime",
    packages: { apt: "faketime", apk: "libfaketime", dnf: "libfaketime", brew: "libfaketime" },
  },
];

/**
 * @param {{ tests: boolean, offlineKit: boolean }} wanted
 * @returns {readonly Requirement[]}
 */
export function requirementsFor(wanted) {
  return [
    ...builderRequirements,
    ...(wanted.tests ? testRequirements : []),
    ...(wanted.offlineKit ? kitRequirements() : []),
  ];
}

/**
 * What a machine needs to build images of an architecture.
 * @param {"x86_64" | "aarch64"} arch
 */
export function requirementsToBuild(arch) {
  return builderRequirements.filter((requirement) => (requirement.arch ?? arch) === arch);
}

/** The offline kit extracts programs from Debian packages, so its requirements are Debian packages. */
function kitRequirements() {
  const file = join(projectRoot, "offline-kit/mirror/requirements.json");
  if (!existsSync(file)) return [];
  /** @type {{ aptPackages: string[] }} */
  const { aptPackages } = JSON.parse(readFileSync(file, "utf8"));
  return aptPackages.map((name) => ({ name, debianPackage: name, packages: { apt: name } }));
}

/**
 * The requirements that aren't met. Throws if a program is too old, because installing it again wouldn't help.
 * @param {readonly Requirement[]} requirements
 * @param {import("./tools-file.mjs").VersionMemory} memory
 * @param {Record<string, string>} versions gets the versions that were found
 * @returns {Promise<Requirement[]>}
 */
export async function findMissing(requirements, memory, versions) {
  const debianPackages = requirements.flatMap((requirement) => requirement.debianPackage ?? []);
  const installed = debianPackages.length > 0 ? await installedDebianPackages() : new Set();
  const missing = [];
  for (const requirement of requirements) {
    const { command, files, debianPackage, minimumVersion } = requirement;
    const path = command === undefined ? undefined : findOnPath(command);
    if (path !== undefined && minimumVersion !== undefined) {
      const version = await memory.of(path, async () => versionIn(await run(path, ["--version"])) ?? "0.0.0");
      if (compareVersions(version, minimumVersion) < 0) throw tooOld(requirement, path, version);
      versions[requirement.command ?? requirement.name] = version;
    }
    const found =
      path !== undefined ||
      files?.some((file) => existsSync(file)) === true ||
      (debianPackage !== undefined && installed.has(debianPackage));
    if (!found) missing.push(requirement);
  }
  return missing;
}

/**
 * @param {Requirement} requirement
 * @param {string} path
 * @param {string} version
 */
export function tooOld(requirement, path, version) {
  return new BootstrapError(
    "tool-outdated",
    `${path} is version ${version}; this project needs ${requirement.minimumVersion} or newer`,
    `upgrade ${requirement.name}, or put a newer one earlier on PATH`,
    { where: path },
  );
}

async function installedDebianPackages() {
  if (findOnPath("dpkg-query") === undefined) return new Set();
  const listed = await run("dpkg-query", ["-W", "-f", "${db:Status-Status} ${Package}\n"]);
  return new Set(
    listed
      .split("\n")
      .filter((line) => line.startsWith("installed "))
      .map((line) => line.slice("installed ".length)),
  );
}

/** @returns {PackageManager | undefined} */
function packageManager() {
  const programs = /** @type {const} */ ([
    ["apt-get", "apt"],
    ["apk", "apk"],
    ["dnf", "dnf"],
    ["brew", "brew"],
  ]);
  return programs.find(([program]) => findOnPath(program) !== undefined)?.[1];
}

const commands = /** @type {const} */ ({
  apt: "apt-get update && apt-get install -y --no-install-recommends",
  apk: "apk add",
  dnf: "dnf install",
  brew: "brew install",
});

/**
 * The command that installs what is missing; undefined if this package manager doesn't have all of it.
 * @param {PackageManager} manager
 * @param {readonly Requirement[]} missing
 */
export function installCommand(manager, missing) {
  const names = missing.map((requirement) => requirement.packages[manager]);
  if (names.includes(undefined)) return undefined;
  const command = `${commands[manager]} ${[...new Set(names)].join(" ")}`;
  return manager === "brew" ? command : command.replace(/^|&& /g, (prefix) => `${prefix}sudo `);
}

/**
 * The error for a user for whom this program can't install tools: everything that is missing, and the command for it.
 * @param {readonly Requirement[]} missing
 * @param {PackageManager | undefined} manager
 */
export function missingToolsError(missing, manager) {
  const names = missing.map((requirement) => requirement.name).join(", ");
  const managers = manager === undefined ? /** @type {const} */ (["apt", "apk", "dnf", "brew"]) : [manager];
  const lines = managers.flatMap((candidate) => installCommand(candidate, missing) ?? []);
  if (lines.length === 0) {
    const debian = installCommand("apt", missing);
    return new BootstrapError("tool-missing", `missing: ${names}`, `this needs Debian or Ubuntu: ${debian}`, {
      where: names,
    });
  }
  return new BootstrapError(
    "tool-missing",
    `missing: ${names}`,
    `install them and try again:\n    ${lines.join("\n    ")}`,
    { where: names },
  );
}

/**
 * Installs what is missing, if possible (as root, with apt or apk). Otherwise throws an error that says what to do.
 * @param {readonly Requirement[]} missing
 * @param {AbortSignal} signal
 */
export async function installMissing(missing, signal) {
  const manager = packageManager();
  const isRoot = process.getuid?.() === 0;
  const packages = missing.map((requirement) => (manager ? requirement.packages[manager] : undefined));
  if (!isRoot || (manager !== "apt" && manager !== "apk") || packages.includes(undefined)) {
    throw missingToolsError(missing, manager);
  }
  const names = /** @type {string[]} */ ([...new Set(packages)]);
  await step(`${manager}: ${names.join(" ")}`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    if (manager === "apk") {
      await run("apk", ["add", "--quiet", ...names], { signal });
      return;
    }
    await run("apt-get", ["update", "-q"], { env, signal });
    await run("apt-get", ["install", "-yq", "--no-install-recommends", ...names], { env, signal });
  });
}
