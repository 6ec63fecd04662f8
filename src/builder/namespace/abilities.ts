/** Finds out whether this host can run build guests in namespaces, and what it lacks. */
import { existsSync } from "node:fs";
import os from "node:os";
import { findOnPath } from "../../bootstrap/processes.mjs";
import { compareVersions } from "../../bootstrap/versions.mjs";
import { hostArchitecture } from "../host-architecture.ts";
import type { Architecture } from "../qemu.ts";
import { binaryFormat } from "./binary-format.ts";
import { type GuestIds, guestIds, hasIds, type IdRange, rangesOfUser, textOf } from "./id-ranges.ts";
import type { HostArchitecture } from "./system-calls.ts";

/** How to start guests in namespaces on this host. */
export interface NamespaceHost {
  ids: GuestIds;
  arch: HostArchitecture;
  /** A line for binfmt_misc, if the image's programs are of another architecture than the host's. */
  emulator?: string;
}

/** Something that this host lacks. */
export interface Lack {
  what: string;
  /** A command that changes it, or what else to do. */
  hint: string;
}

/** Programs of the host, and the packages that have them on Debian, Alpine and Fedora. */
const programs: Record<string, string> = {
  bwrap: "bubblewrap",
  unshare: "util-linux",
  nsenter: "util-linux",
  prlimit: "util-linux",
  mount: "util-linux",
};

/** Programs that give an ordinary user ids. */
const idPrograms: Record<string, string> = { newuidmap: "uidmap", newgidmap: "uidmap" };

/** Since 6.7, a user namespace can have its own interpreters for programs of another architecture. */
const kernelWithOwnFormats = "6.7";

/** What is read of a host. Tests replace parts of it. */
export interface HostFacts {
  platform: string;
  arch: string;
  kernel: string;
  user: { id: number; name: string };
  /** A file's text; empty if there is none. */
  text: (file: string) => string;
  exists: (file: string) => boolean;
  /** A program's path, if it is installed. */
  program: (name: string) => string | undefined;
  ranges: { user: IdRange | undefined; group: IdRange | undefined };
}

/** This host. */
export function readHost(): HostFacts {
  const { uid: id, username: name } = os.userInfo();
  return {
    platform: process.platform,
    arch: os.arch(),
    kernel: os.release(),
    user: { id, name },
    text: textOf,
    exists: existsSync,
    program: (program) => findOnPath(program) ?? undefined,
    ranges: rangesOfUser(),
  };
}

/**
 * How this host can run guests in namespaces for images of an architecture, or all that it lacks. Reads files only: a
 * system may still forbid what they allow, so a guest has to be tried, too.
 */
export function findAbilities(
  arch: Architecture,
  facts: HostFacts = readHost(),
): { host: NamespaceHost; lacks: [] } | { host: undefined; lacks: Lack[] } {
  if (facts.platform !== "linux") {
    return {
      host: undefined,
      lacks: [{ what: `this is ${facts.platform}, not Linux`, hint: "build in VMs" }],
    };
  }
  if (facts.arch !== "x64" && facts.arch !== "arm64") {
    return {
      host: undefined,
      lacks: [{ what: `no filter of system calls is known for ${facts.arch}`, hint: "build in VMs" }],
    };
  }
  const emulation = findEmulator(arch, facts);
  const lacks = [
    ...programLacks(facts),
    ...kernelLacks(facts),
    ...idLacks("user", facts),
    ...idLacks("group", facts),
    ...emulation.lacks,
  ];
  const { user, group } = facts.ranges;
  if (lacks.length > 0 || user === undefined || group === undefined) return { host: undefined, lacks };
  return {
    host: {
      ids: { user: user.first, group: group.first },
      arch: facts.arch,
      ...(emulation.line !== undefined && { emulator: emulation.line }),
    },
    lacks: [],
  };
}

function programLacks({ program, user }: HostFacts): Lack[] {
  return Object.entries({ ...programs, ...(user.id !== 0 && idPrograms) })
    .filter(([name]) => program(name) === undefined)
    .map(([name, packageName]) => ({
      what: `${name} is not installed`,
      hint: `install the package ${packageName}: apt-get install ${packageName}`,
    }));
}

/** Settings of the kernel that forbid user namespaces. Those that a kernel does not have are missing, and forbid nothing. */
function kernelLacks({ text, user }: HostFacts): Lack[] {
  const value = (name: string): string => text(`/proc/sys/${name.replaceAll(".", "/")}`).trim();
  const lacks: Lack[] = [];
  if (value("user.max_user_namespaces") === "0") {
    lacks.push({
      what: "the kernel allows no user namespaces (user.max_user_namespaces is 0)",
      hint: "sysctl -w user.max_user_namespaces=10000",
    });
  }
  if (user.id === 0) return lacks;
  if (value("kernel.unprivileged_userns_clone") === "0") {
    lacks.push({
      what: "the kernel gives user namespaces to root only (kernel.unprivileged_userns_clone is 0)",
      hint: "sudo sysctl -w kernel.unprivileged_userns_clone=1",
    });
  }
  if (value("kernel.apparmor_restrict_unprivileged_userns") === "1") {
    lacks.push({
      what: "AppArmor forbids ordinary users what namespaces are for (kernel.apparmor_restrict_unprivileged_userns is 1)",
      hint: "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    });
  }
  return lacks;
}

function idLacks(kind: "user" | "group", { ranges, user, text }: HostFacts): Lack[] {
  const file = kind === "user" ? "/etc/subuid" : "/etc/subgid";
  const hint = `sudo usermod --add-sub${kind[0]}ids 100000-165535 ${user.name}`;
  const range = ranges[kind];
  if (range === undefined) return [{ what: `${file} gives ${user.name} no ${kind} ids`, hint }];
  if (range.count < guestIds) {
    return [
      { what: `${file} gives ${user.name} ${range.count} ${kind} ids, and a guest needs ${guestIds}`, hint },
    ];
  }
  if (user.id === 0 && !hasIds(text(`/proc/self/${kind[0]}id_map`), { ...range, count: guestIds })) {
    return [
      {
        what: `this container has no ${kind} ids from ${range.first} on to give to a guest`,
        hint: "start the container with more ids, or as an ordinary user whom its /etc/subuid gives a range",
      },
    ];
  }
  return [];
}

/** How the host runs programs of an image's architecture, if they are not its own. */
function findEmulator(
  arch: Architecture,
  { arch: hostArch, kernel, exists, program }: HostFacts,
): { line?: string; lacks: Lack[] } {
  if (hostArchitecture(hostArch) === arch) return { lacks: [] };
  const lacks: Lack[] = [];
  const emulator = program(`qemu-${arch}-static`) ?? program(`qemu-${arch}`);
  if (emulator === undefined) {
    lacks.push({
      what: `qemu-${arch}-static, which runs the programs of ${arch} images, is not installed`,
      hint: "install the package qemu-user-static: apt-get install qemu-user-static",
    });
  }
  if (compareVersions(kernel, kernelWithOwnFormats) < 0) {
    lacks.push({
      what: `kernel ${kernel} cannot run programs of ${arch} in a namespace: Linux ${kernelWithOwnFormats} or newer can`,
      hint: "build on a newer kernel, or on a machine of that architecture (`builders`)",
    });
  }
  if (!exists("/proc/sys/fs/binfmt_misc")) {
    lacks.push({ what: "the kernel's module binfmt_misc is not loaded", hint: "sudo modprobe binfmt_misc" });
  }
  return lacks.length > 0 || emulator === undefined
    ? { lacks }
    : { line: binaryFormat(arch, emulator), lacks };
}
