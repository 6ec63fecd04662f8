/** Starts QEMU guests and reads what they report. */
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { execa } from "execa";
import { compareVersions } from "../bootstrap/versions.mjs";
import { UserError } from "../lib/user-error.ts";

export type Architecture = "x86_64" | "aarch64";
export type Accelerator = "kvm" | "hvf" | "tcg";

/** QEMU 6.0 (April 2021) has everything that is needed here. Older versions are untested. */
const minimumQemuVersion = "6.0";

/** A guest to run, for a build or a boot test. */
export interface GuestSpecification {
  arch: Architecture;
  /** QEMU's machine type. @default q35 or virt, depending on the architecture */
  machine?: string;
  accelerator: Accelerator;
  memoryMib: number;
  /** Arguments for this guest: kernel, disks, network, firmware. */
  arguments: readonly string[];
  /** Gets the output of all the guest's serial ports. */
  consoleLog: string;
  /** A listening socket to connect the console to, for interactive use. */
  consoleSocket?: string;
  /** Folder for unfinished files and sockets. Keep it short: macOS limits socket paths to 104 bytes. */
  scratch: string;
}

/** A running guest. */
export interface Guest {
  /** Resolves when QEMU has ended, with its exit code (null if killed) and its stderr. */
  ended: Promise<{ exitCode: number | null; stderr: string }>;
  /** Ends QEMU at once. */
  kill(): void;
}

/** Escapes a value for QEMU's comma-separated options by doubling commas. */
export function optionValue(value: string): string {
  return value.replaceAll(",", ",,");
}

/**
 * The simplest processor that runs Alpine. Emulating extensions (vectors, protection keys, a fifth level of page tables,
 * pointer authentication) is wasted work: `max` took a third longer.
 */
const emulatedCpu: Record<Architecture, string> = {
  x86_64: "qemu64",
  // Simple aarch64 processors have no atomic instructions, and the loops that replace them sometimes hang.
  aarch64: "max,sve=off,pauth-impdef=on",
};

/** Arguments that all guests of an architecture share: machine, CPU, console, and no default devices. */
export function machineArguments(guest: GuestSpecification): string[] {
  const { arch, accelerator } = guest;
  const emulated = accelerator === "tcg";
  const accel = emulated ? "tcg,tb-size=256" : accelerator;
  const cpu = emulated ? emulatedCpu[arch] : "host";
  // One emulated CPU: with two, QEMU 7.2 sometimes runs half-patched kernel code (an int3 oops while booting).
  const cpus = emulated ? 1 : 2;
  const log = optionValue(guest.consoleLog);
  const console =
    guest.consoleSocket === undefined
      ? `file,id=console,path=${log},mux=on`
      : `socket,id=console,path=${optionValue(guest.consoleSocket)},mux=on,logfile=${log}`;
  const machine = guest.machine ?? (arch === "x86_64" ? "q35" : "virt,gic-version=max");
  return [
    ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ["-machine", machine],
    ["-accel", accel, "-cpu", cpu, "-smp", String(cpus), "-m", `${guest.memoryMib}M`],
    ["-chardev", console, "-serial", "chardev:console"],
    // Without a source of randomness, a guest's first key generation blocks.
    ["-device", "virtio-rng-pci"],
  ].flat();
}

/** Starts QEMU under the watchdog, which kills it when this process ends, even by kill -9. */
export async function startGuest(guest: GuestSpecification): Promise<Guest> {
  const qemu = await findQemu(guest.arch);
  const child = spawn(
    path.join(import.meta.dirname, "supervise"),
    [qemu, ...machineArguments(guest), ...guest.arguments],
    { stdio: ["pipe", "ignore", "pipe"], detached: true },
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-8_000)));
  // The watchdog watches this pipe. It breaks when QEMU ends first, which is not an error.
  child.stdin.on("error", () => {});
  const ended = new Promise<{ exitCode: number | null; stderr: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, stderr: stderr.trim() }));
  });
  return { ended, kill: () => child.stdin.destroy() };
}

const found = new Map<Architecture, Promise<string>>();

/** A QEMU that is new enough. Throws a UserError that says what to install if there is none. */
export function findQemu(arch: Architecture): Promise<string> {
  let answer = found.get(arch);
  if (answer === undefined) {
    answer = checkQemu(`qemu-system-${arch}`);
    found.set(arch, answer);
  }
  return answer;
}

async function checkQemu(program: string): Promise<string> {
  const { stdout, failed } = await execa(program, ["--version"], { reject: false });
  if (failed)
    throw new UserError(
      "tool-missing",
      `${program} not found, or it does not run`,
      "npm run bootstrap installs it or says how",
      { where: program },
    );
  const version = /version (\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined || compareVersions(version, minimumQemuVersion) < 0) {
    throw new UserError(
      "tool-outdated",
      `${program} is version ${version ?? "unknown"}; ${minimumQemuVersion} or newer is required`,
      "install a newer QEMU and put it first on PATH",
      { where: program },
    );
  }
  return program;
}

/** A virtio serial port in the guest, connected to a socket on the host. */
export interface ReportPort {
  arguments: string[];
  /** The lines that the guest writes, as they arrive. Ends when the guest ends. */
  lines: AsyncIterable<string>;
  /** Call when the guest has ended or failed to start. Loses nothing that the guest has sent. */
  close(): void;
}

/** Opens the port through which a guest reports: `/dev/vport0p1` in the guest. */
export async function openReportPort(scratch: string): Promise<ReportPort> {
  const socketPath = path.join(scratch, "report");
  const server: Server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
  const queue: string[] = [];
  let ended = false;
  let connected = false;
  let wake: () => void = () => {};
  server.once("connection", (socket) => {
    connected = true;
    socket.on("error", () => {});
    const reader = createInterface({ input: socket, crlfDelay: Infinity });
    reader.on("line", (line) => {
      queue.push(line);
      wake();
    });
    reader.on("close", () => {
      ended = true;
      wake();
    });
  });
  async function* lines(): AsyncGenerator<string> {
    for (;;) {
      const line = queue.shift();
      if (line !== undefined) yield line;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    arguments: [
      ["-device", "virtio-serial-pci"],
      ["-chardev", `socket,id=report,path=${optionValue(socketPath)}`],
      ["-device", "virtserialport,chardev=report,name=org.alpinelinux.report"],
    ].flat(),
    lines: lines(),
    close() {
      server.close();
      // Data from an ended guest may still be in transit; the lines end when the connection closes.
      if (connected) return;
      ended = true;
      wake();
    },
  };
}

/** For errors: the last lines of a guest's console, and where the full log is. */
export const consoleHint = (consoleLog: string): string =>
  `last lines of the console (full log: ${consoleLog}):\n${consoleTail(consoleLog)}`;

/** The last lines of a console log, without control sequences, for error messages. */
export function consoleTail(consoleLog: string, count = 40): string {
  const text = endOf(consoleLog);
  // eslint-disable-next-line no-control-regex
  const plain = text.replace(/\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|c)/g, "").replace(/[\0\r]/g, "");
  const lines = plain.split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0 ? "(no console output)" : lines.slice(-count).join("\n");
}

/** The reason for a kernel panic, if there was one. The last 40 lines of the log contain only its trace. */
export function kernelPanic(consoleLog: string): string | undefined {
  return /Kernel panic - not syncing: ([^\r\n]*)/.exec(endOf(consoleLog))?.[1];
}

/** How much of a log is read. A guest can write as much as it likes. */
const mostLogBytes = 256 * 1024;

/** The end of a log, or nothing if there is none. */
function endOf(log: string): string {
  if (!existsSync(log)) return "";
  const file = openSync(log, "r");
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, mostLogBytes));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8");
  } finally {
    closeSync(file);
  }
}
