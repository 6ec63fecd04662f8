/** Makes the appliance: the kernel and initramfs that build guests of an architecture boot from. */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { digestOfFile } from "../lib/digest.ts";
import { withFileLock } from "../lib/file-lock.ts";
import { UserError } from "../lib/user-error.ts";
import { cacheFolder, scratchFolder } from "../lib/workspace.ts";
import { readTar, type TarFile, verifyPackage } from "./apk-archive.ts";
import { resolveDependencies, type IndexEntry } from "./apk-index.ts";
import { markUsed } from "./cache-limit.ts";
import { cpioArchive, type CpioEntry, parentFolders } from "./cpio.ts";
import { jobArchive } from "./job.ts";
import { runJob } from "./guest.ts";
import type { GuestPlace } from "./guest-job.ts";
import { fetchPackage, type MirrorSettings, openRepository, type Repository } from "./mirror.ts";
import type { Progress } from "./progress.ts";
import type { Architecture } from "./qemu.ts";
import { officialMirrorUrl } from "../lib/official-mirror.ts";

/**
 * The Alpine version that runs in build guests, whatever the version of the image. Pinned because its mke2fs
 * (≥ 1.47.3), unlike older ones, writes no clock time into a filesystem. An image gets its own version through apk.
 */
const applianceVersion = "3.23";

/** The minimum that a guest needs to install packages. */
const stage0Packages = ["busybox", "busybox-binsh", "apk-tools"];

/** Which package to use for names that several packages provide. */
const stage0Providers: Record<string, string> = { "/bin/sh": "busybox-binsh" };

/** The tools that a guest needs to make disks. */
const appliancePackages = [
  ...stage0Packages,
  "alpine-keys",
  "dosfstools",
  "e2fsprogs",
  "e2fsprogs-extra",
  "kmod",
  "mtools",
  "sfdisk",
  "tar",
];

/** Kernel modules that a guest loads, together with their dependencies. Everything else is built in. */
const guestModules = ["virtio_blk", "virtio_net"];

/** The files in the appliance's folder, except its lock. */
const applianceFiles = ["kernel", "modules.cpio", "stage0.cpio", "appliance.cpio"];

/** What build guests start from, before their job is added. */
export interface Appliance {
  arch: Architecture;
  /** The kernel file, in a form that QEMU boots directly. */
  kernel: string;
  /** Initramfs without a job: modules and tools, an uncompressed cpio archive. */
  archive: string;
  /** Digest of the packages it was made from. */
  digest: string;
}

/** What the first guest starts from: just enough to install packages. */
export interface Stage0 {
  digest: string;
  kernel: string;
  modules: Buffer;
  archive: string;
}

/**
 * The appliance of an architecture, from the cache or newly made: first stage 0 on the host, then the rest in a guest.
 * @param choosePlace where to run that guest, and others like it
 */
export async function makeAppliance<Choice extends { place: GuestPlace }>(
  arch: Architecture,
  mirror: MirrorSettings,
  progress: Progress,
  choosePlace: (stage0: Stage0) => Promise<Choice>,
): Promise<Choice & { appliance: Appliance }> {
  progress.phase("open repositories", 0);
  const repositories = await Promise.all(
    ["main", "community"].map((name) =>
      openRepository(mirror, `${officialMirrorUrl}/v${applianceVersion}/${name}`, arch),
    ),
  );
  const digest = createHash("sha256")
    .update(
      JSON.stringify([appliancePackages, guestModules, repositories.map((repository) => repository.digest)]),
    )
    .update(readFileSync(path.join(import.meta.dirname, "guest/make-appliance")))
    .update(readFileSync(path.join(import.meta.dirname, "guest/init")))
    .digest("hex");
  const folder = cacheFolder("appliance", `${arch}-${digest.slice(0, 16)}`);
  return withFileLock(path.join(folder, "lock"), async () => {
    await dropDamaged(folder);
    const stage0 = await makeStage0(arch, mirror, repositories, folder, digest);
    const choice = await choosePlace(stage0);
    const archive = path.join(folder, "appliance.cpio");
    if (!existsSync(archive)) {
      progress.phase("make the appliance", 2);
      writeFileAtomically(
        archive,
        await packTools(stage0, arch, choice.place, mirror, repositories, progress),
      );
      // Written last: files that it does not list are treated as missing.
      writeFileAtomically(path.join(folder, digestsFile), JSON.stringify(await digestsIn(folder)));
    }
    markUsed(folder);
    return { ...choice, appliance: { arch, kernel: stage0.kernel, archive, digest } };
  });
}

const digestsFile = "digests.json";

/** Deletes the files in an appliance's folder unless all of them match their recorded digests. */
export async function dropDamaged(folder: string): Promise<void> {
  const file = path.join(folder, digestsFile);
  const found = JSON.stringify(await digestsIn(folder));
  if (existsSync(file) && readFileSync(file, "utf8") === found) return;
  if (existsSync(file)) process.stderr.write(`${folder} is damaged; making the appliance again\n`);
  for (const name of [digestsFile, ...applianceFiles]) rmSync(path.join(folder, name), { force: true });
}

/** File name → sha256, for the files that exist. */
export async function digestsIn(folder: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of applianceFiles) {
    const file = path.join(folder, name);
    if (existsSync(file)) digests[name] = await digestOfFile(file, "sha256");
  }
  return digests;
}

async function makeStage0(
  arch: Architecture,
  mirror: MirrorSettings,
  repositories: readonly Repository[],
  folder: string,
  digest: string,
): Promise<Stage0> {
  const kernel = path.join(folder, "kernel");
  const modulesFile = path.join(folder, "modules.cpio");
  const archive = path.join(folder, "stage0.cpio");
  if (![kernel, modulesFile, archive].every((file) => existsSync(file))) {
    const unpacked = await unpackPackage(mirror, repositories, "linux-virt");
    writeFileAtomically(kernel, bootableKernel(unpacked, arch));
    const modules = cpioArchive(moduleEntries(unpacked, guestModules));
    writeFileAtomically(modulesFile, modules);
    const all = repositories.flatMap((repository) => repository.entries);
    const files: TarFile[] = [];
    for (const entry of resolveDependencies(all, stage0Packages, stage0Providers)) {
      files.push(...(await unpackPackage(mirror, repositories, entry.name)));
    }
    writeFileAtomically(archive, Buffer.concat([cpioArchive(stage0Entries(files)), modules]));
  }
  return { digest, kernel, modules: readFileSync(modulesFile), archive };
}

/** A package's files, verified. */
async function unpackPackage(
  mirror: MirrorSettings,
  repositories: readonly Repository[],
  name: string,
): Promise<TarFile[]> {
  for (const repository of repositories) {
    const entry: IndexEntry | undefined = repository.entries.find((candidate) => candidate.name === name);
    if (entry === undefined) continue;
    const archive = await fetchPackage(mirror, repository, entry);
    return readTar(await verifyPackage(archive, entry.checksum));
  }
  const urls = repositories.map((repository) => repository.declaredUrl).join(", ");
  throw new UserError(
    "mirror-incomplete",
    `package ${name}, which build guests need, was not found in ${urls}`,
    "use a complete mirror",
    { where: urls },
  );
}

/**
 * The kernel in a form that QEMU boots. On aarch64 it is an EFI zboot image, which QEMU before 8 cannot unpack. Its
 * payload is a gzipped plain Image; offset and size are little-endian 32-bit numbers at 8 and 12.
 */
export function bootableKernel(files: readonly TarFile[], arch: Architecture): Buffer {
  const kernel = files.find(({ header }) => header.name.startsWith("boot/vmlinuz-"))?.content;
  if (kernel === undefined) throw new Error("the kernel package has no boot/vmlinuz-*");
  if (arch !== "aarch64" || kernel.subarray(4, 8).toString("latin1") !== "zimg") return kernel;
  const offset = kernel.readUInt32LE(8);
  return gunzipSync(kernel.subarray(offset, offset + kernel.readUInt32LE(12)));
}

/** The wanted modules and their dependencies, decompressed, and `order`: the file names in loading order. */
export function moduleEntries(files: readonly TarFile[], wanted: readonly string[]): CpioEntry[] {
  const byName = new Map(files.map((file) => [file.header.name, file]));
  const dependencyFile = files.find(({ header }) => header.name.endsWith("/modules.dep"));
  if (dependencyFile === undefined) throw new Error("the kernel package has no modules.dep");
  const root = path.dirname(dependencyFile.header.name);
  const builtin = byName.get(`${root}/modules.builtin`)?.content.toString() ?? "";
  const dependencies = new Map(
    dependencyFile.content
      .toString()
      .split("\n")
      .filter((line) => line.includes(":"))
      .map((line) => {
        const [module, needs = ""] = line.split(":");
        return [module!, needs.trim().split(/\s+/).filter(Boolean)] as const;
      }),
  );
  const named = (name: string): string | undefined =>
    [...dependencies.keys()].find((file) => path.basename(file).replace(/\.ko(\.gz)?$/, "") === name);
  const order: string[] = [];
  const add = (file: string): void => {
    if (order.includes(file)) return;
    // modules.dep lists dependencies in reverse loading order.
    for (const need of (dependencies.get(file) ?? []).toReversed()) add(need);
    order.push(file);
  };
  for (const name of wanted) {
    const file = named(name);
    if (file !== undefined) add(file);
    else if (!builtin.includes(`/${name}.ko`)) throw new Error(`the kernel has no module ${name}`);
  }
  const folder = "lib/appliance-modules";
  const entries = order.map((file): CpioEntry => {
    const content = byName.get(`${root}/${file}`)?.content;
    if (content === undefined) throw new Error(`the kernel package lacks ${file}`);
    return {
      path: `${folder}/${path.basename(file, ".gz")}`,
      mode: 0o644,
      kind: "file",
      content: file.endsWith(".gz") ? gunzipSync(content) : content,
    };
  });
  const list = entries.map((entry) => `${path.basename(entry.path)}\n`).join("");
  return [
    ...parentFolders([`${folder}/order`]),
    ...entries,
    { path: `${folder}/order`, mode: 0o644, kind: "file", content: Buffer.from(list) },
  ];
}

/** Package files as initramfs entries, plus a shell that works before busybox has installed its links. */
export function stage0Entries(files: readonly TarFile[]): CpioEntry[] {
  const entries = files.flatMap(({ header, content }): CpioEntry[] => {
    const name = header.name.replace(/\/$/, "");
    const mode = (header.mode ?? 0o644) & 0o7777;
    if (header.type === "directory" || name.startsWith(".")) return [];
    if (header.type === "symlink") {
      return [{ path: name, mode: 0o777, kind: "symlink", content: Buffer.from(header.linkname ?? "") }];
    }
    return [{ path: name, mode, kind: "file", content }];
  });
  if (!entries.some((entry) => entry.path === "bin/sh")) {
    entries.push({ path: "bin/sh", mode: 0o777, kind: "symlink", content: Buffer.from("/bin/busybox") });
  }
  return [...parentFolders(entries.map((entry) => entry.path)), ...entries];
}

/** Installs the appliance's tools in a guest. @returns the archive that it wrote, followed by the modules' archive */
async function packTools(
  stage0: Stage0,
  arch: Architecture,
  place: GuestPlace,
  mirror: MirrorSettings,
  repositories: readonly Repository[],
  progress: Progress,
): Promise<Buffer> {
  const scratch = scratchFolder("appliance");
  try {
    const disk = path.join(scratch, "disk");
    writeFileSync(disk, "");
    truncateSync(disk, 256 << 20);
    await runJob({
      what: `the ${arch} appliance`,
      place,
      job: jobArchive({
        arch,
        main: "make-appliance",
        // Any day will do: the appliance's dates never reach an image.
        sourceDateEpoch: Date.UTC(2026, 0, 1) / 1000,
        keyFiles: mirror.keyFiles,
        variables: { APPLIANCE_PACKAGES: appliancePackages.join(" ") },
      }),
      repositories,
      mirror,
      disk,
      consoleLog: path.join(cacheFolder("appliance"), `${arch}-console.log`),
      progress,
      scratch,
    });
    return readPackedArchive(disk, stage0.modules);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * The archive that guest/make-appliance wrote: the length in the first 16 bytes, the content from the second MiB on.
 * This is the largest thing that the host ever has in memory, so it is read once, into a buffer with room for `after`.
 */
function readPackedArchive(disk: string, after: Uint8Array): Buffer {
  const file = openSync(disk, "r");
  try {
    const header = Buffer.alloc(16);
    readSync(file, header, 0, 16, 0);
    const length = Number(header.toString("latin1").trim());
    const padded = Math.ceil(length / 512) * 512;
    const archive = Buffer.alloc(padded + after.length);
    readSync(file, archive, 0, length, 1 << 20);
    archive.set(after, padded);
    return archive;
  } finally {
    closeSync(file);
  }
}
