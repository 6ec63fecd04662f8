/** Runs alpine-make-vm-image, the program that this project's builds are compared with. */
import { existsSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { findOnPath } from "../src/bootstrap/processes.mjs";
import type { Variant } from "../src/configuration/variant.ts";
import { digestOfFile } from "../src/lib/digest.ts";
import { UserError } from "../src/lib/user-error.ts";
import type { Run } from "./comparison-table.ts";
import type { HostApk } from "./host-apk.ts";
import { withLoopDevice } from "./loop-device.ts";
import { runInOwnNamespaces, type SupervisedRun } from "./supervised.ts";

const peerName = "alpine-make-vm-image";

/** The version whose options and messages this file knows. */
const knownVersion = "0.13.4";

/** Size of the peer's disk. Its filesystem has room for the offline kit's packages, which are larger than Alpine's. */
const diskMib = 300;

/** What the peer calls on the host. It brings extlinux itself, as a package. */
const tools = ["sh", "getopt", "losetup", "mkfs.ext4", "blkid", "mount", "chroot", "unshare", "qemu-img"];

/** A peer that can run here. */
export interface Peer {
  script: string;
  /** `alpine-make-vm-image 0.13.4` */
  name: string;
}

/** What decides whether the peer can run on a host. */
export interface PeerHost {
  isRoot: boolean;
  missingTools: readonly string[];
  hasLoopDevice: boolean;
  mayMount: boolean;
}

/** The three measurements of one run of the peer. */
export interface PeerRun {
  /** Partitioning, packages, boot loader and configuration, until the disk is complete. */
  disk: Run;
  conversion: Run;
  /** Both together. */
  total: Run;
}

/**
 * Finds the peer and checks that it can build an image here.
 * @param given its script, or the folder of its script
 * @throws UserError with the first problem
 */
export async function findPeer(given: string, variant: Variant): Promise<Peer> {
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  const script = path.resolve(isFolder ? path.join(given, peerName) : given);
  if (!existsSync(script)) {
    throw new UserError(
      "file-missing",
      `${script} not found`,
      `give --against the script ${peerName} of version ${knownVersion}, or its folder`,
      { where: "--against" },
    );
  }
  const { stdout, stderr } = await execa("sh", [script, "--version"], { reject: false });
  const problem =
    versionProblem(script, stdout || stderr) ?? imageProblem(variant) ?? hostProblem(await inspectHost());
  if (problem !== undefined) throw problem;
  return { script, name: `${peerName} ${knownVersion}` };
}

/** Why a script is not the known peer. @param printed what its --version printed */
export function versionProblem(script: string, printed: string): UserError | undefined {
  if (printed.trim() === `${peerName} ${knownVersion}`) return undefined;
  const [line = ""] = printed.trim().split("\n");
  return new UserError(
    "peer-unknown",
    `${script} is not ${peerName} ${knownVersion}: its --version prints '${line}'`,
    `check out ${peerName} at tag v${knownVersion}`,
    { where: "--against" },
  );
}

/** Why the peer cannot make an image like this one. */
export function imageProblem(
  { imageKey, arch, firmware }: Pick<Variant, "imageKey" | "arch" | "firmware">,
  hostArch: string = os.arch(),
): UserError | undefined {
  if (firmware === "bios" && arch === "x86_64" && hostArch === "x64") return undefined;
  return new UserError(
    "usage",
    `--against compares BIOS images of x86_64 on an x86_64 host, and not ${imageKey} on ${hostArch}`,
    "select such an image with --only, or omit --against",
    { where: "--against" },
  );
}

/** Why the peer cannot run on a host. */
export function hostProblem({
  isRoot,
  missingTools,
  hasLoopDevice,
  mayMount,
}: PeerHost): UserError | undefined {
  const where = { where: "--against" };
  if (!isRoot) {
    const what = `${peerName} mounts its disk, so it needs root`;
    return new UserError("root-needed", what, "run it as root, or omit --against", where);
  }
  if (missingTools.length > 0) {
    const what = `${peerName} needs ${missingTools.join(", ")}, not found on PATH`;
    return new UserError("tool-missing", what, "install them (util-linux, e2fsprogs, qemu-utils)", where);
  }
  if (!hasLoopDevice) {
    const what = "this host has no free loop device, which stands in for a disk";
    const hint = "load the kernel's module `loop`, or allow the container to use /dev/loop-control";
    return new UserError("loop-device-missing", what, hint, where);
  }
  if (!mayMount) {
    const what = "root may not mount filesystems here";
    return new UserError("root-needed", what, "run it outside of the container, or omit --against", where);
  }
  return undefined;
}

async function inspectHost(): Promise<PeerHost> {
  const succeeds = async (command: string, ...args: string[]): Promise<boolean> =>
    (await execa(command, args, { reject: false })).exitCode === 0;
  return {
    isRoot: process.getuid?.() === 0,
    missingTools: tools.filter((tool) => findOnPath(tool) === undefined),
    hasLoopDevice: await succeeds("losetup", "--find"),
    mayMount: await succeeds("unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"),
  };
}

/**
 * The peer's command line for a disk with a variant's packages.
 * @param mirrorUrl the mirror over HTTP
 * @param device the block device
 */
export function peerArguments(
  { version, packages }: Pick<Variant, "version" | "packages">,
  mirrorUrl: string,
  keys: string,
  device: string,
): string[] {
  return [
    ["--mirror-uri", mirrorUrl, "--branch", version === "edge" ? version : `v${version}`],
    ["--keys-dir", keys, "--serial-console", "--image-format", "raw"],
    ["--packages", packages.add.join(" ")],
    ["--", device],
  ].flat();
}

/**
 * Builds and converts one disk with the peer.
 * @param scratch gets the disk and its conversion, and loses them
 * @throws UserError if the peer fails
 */
export async function runPeer(
  peer: Peer,
  variant: Variant,
  mirrorUrl: string,
  apk: HostApk,
  scratch: string,
): Promise<PeerRun> {
  const disk = path.join(scratch, "peer.raw");
  const image = path.join(scratch, "peer.qcow2");
  try {
    writeFileSync(disk, "");
    truncateSync(disk, diskMib * 2 ** 20);
    const built = await withLoopDevice(disk, (device) =>
      runInOwnNamespaces(["sh", peer.script, ...peerArguments(variant, mirrorUrl, apk.keys, device)], {
        PATH: process.env["PATH"] ?? "",
        LC_ALL: "C",
        APK: apk.command,
        INSTALL_HOST_PKGS: "no",
      }),
    );
    checkFinished(peer, built);
    const convert = ["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", disk, image];
    const converted = await runInOwnNamespaces(convert, { PATH: process.env["PATH"] ?? "" });
    if (converted.exitCode !== 0) throw peerFailed(peer, converted);
    const sha512 = await digestOfFile(image, "sha512");
    return peerRun(built, converted, sha512);
  } finally {
    rmSync(disk, { force: true });
    rmSync(image, { force: true });
  }
}

/** The measurements of a disk and of its conversion. */
export function peerRun(
  built: Pick<SupervisedRun, "seconds" | "usage">,
  converted: Pick<SupervisedRun, "seconds" | "usage">,
  sha512: string,
): PeerRun {
  const peak = ({ usage }: Pick<SupervisedRun, "usage">): { peakMib?: number } =>
    usage === undefined ? {} : { peakMib: usage.peakMib };
  const peaks = [built, converted].flatMap(({ usage }) => usage?.peakMib ?? []);
  return {
    disk: { seconds: built.seconds, ...peak(built) },
    conversion: { seconds: converted.seconds, ...peak(converted) },
    total: {
      seconds: built.seconds + converted.seconds,
      ...(peaks.length === 0 ? {} : { peakMib: Math.max(...peaks) }),
      sha512,
      phases: { "the peer's disk": built.seconds, convert: converted.seconds },
    },
  };
}

/** Its exit code says nothing: a trap makes it 0 after failures, too. */
export function checkFinished(peer: Peer, run: Pick<SupervisedRun, "output" | "exitCode">): void {
  if (!/> Completed\b/.test(run.output)) throw peerFailed(peer, run);
}

function peerFailed(
  { name }: Peer,
  { output, exitCode }: Pick<SupervisedRun, "output" | "exitCode">,
): UserError {
  const end = output.trim().split("\n").slice(-5).join("\n");
  return new UserError(
    "peer-failed",
    `${name} did not finish (exit code ${exitCode}):\n${end}`,
    "run it by hand to see all of its output",
    { where: name },
  );
}
